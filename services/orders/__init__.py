"""Knows every order: what was said about it, and what that makes of it; decides about refunds.

Owns: orders, their coupons, the observations behind them, the reading back of orders, and
after-sales: what was asked, decided, and told to the platform.
Hears: `platform.>`, `coupon.redeemed`, `coupon.cancelled`, `intake.delivery_conflicted`,
`merchant.>`, `product.>`, refund questions over HTTP; asks the platform for what never arrived,
and redemption for locks of coupons.
Says: `order.created`, `order.paid` and the other states, `order.updated`, `order.contradicted`,
`after_sale.requested`, `.pending`, `.due_soon`, `.approved`, `.rejected`, `.closed`.
Stores: ids, amounts, states and times; what buyers and clerks typed about a refund, sealed.
"""
