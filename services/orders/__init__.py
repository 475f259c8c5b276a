"""Knows every order: what was said about it, and what that makes of it.

Owns: orders, their coupons, the observations behind them, and the reading back of orders.
Hears: `platform.>`, `coupon.redeemed`, `coupon.cancelled`, `intake.delivery_conflicted`,
`merchant.>`; and asks the platform for what never arrived.
Says: `order.created`, `order.paid` and the other states, `order.updated`, `order.contradicted`.
Stores: no personal data; ids, amounts, states and times only.
"""
