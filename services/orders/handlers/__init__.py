"""What the service does: `deliveries` hears events, `applying` turns observations into orders,
`reconciling` reads back what never arrived, `asking` answers HTTP.
"""
