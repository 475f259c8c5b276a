"""Spends coupons in stores, each once.

Owns: preparations, redemptions and their ledger, cancellations, refused attempts; coupons whose
codes are ours, with what the platform must hear of them.
Hears: `platform.>` (coupons redeemed, taken back or refunded elsewhere), `store.>`, `product.>`.
Says: `coupon.redeemed`, `coupon.cancelled`, `coupon.refused`, `coupon.pending`, and of coupons
whose codes are ours `coupon.issued`, `coupon.disputed`, `coupon.revealed`.
Stores: verify tokens and codes sealed, the platform's only while they are needed; of a scan only a
keyed hash.
"""
