"""Every SQL statement of this service: one function, one statement.

`products` for what is sold, `stock` for how much of it, `reserving` for questions before an order,
`settling` for what becomes of them, `world` for merchants and stores as heard.
"""
