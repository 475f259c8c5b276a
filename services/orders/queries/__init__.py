"""Every SQL statement of this service: one function, one statement.

`applying` for batches of observations, `reading` for HTTP, `reconciling` for what is read back.
"""
