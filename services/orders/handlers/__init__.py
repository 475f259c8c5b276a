"""What the service does.

`deliveries` hears events, `applying` turns observations into orders, `reconciling` reads back what
never arrived and `answers` applies what was read, `asking` answers HTTP.
"""
