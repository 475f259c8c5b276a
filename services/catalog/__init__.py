"""Knows what merchants sell, and never sells more than there is.

Owns: products with their SKUs, stock, reservations.
Hears: `order.>` for what became of reserved orders, `merchant.>`; and a platform's question before
an order, which intake passes on over HTTP.
Says: `product.created`, `product.updated`, `stock.sold_out`, `stock.replenished`.
Stores: no personal data; buyers are keyed hashes.
"""
