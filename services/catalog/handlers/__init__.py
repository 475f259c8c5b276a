"""What the service does.

`products` and `stock` change what people ask for, `reserving` decides orders in batches that wait
as `questions`, `settling` moves reservations on, `crossing` says that stock is gone or back,
`world` hears of merchants and stores.
"""
