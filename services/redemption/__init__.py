"""Spends coupons in stores, each once.

Owns: preparations, redemptions and their ledger, cancellations, refused attempts.
Hears: `platform.>` (coupons redeemed, taken back or refunded elsewhere) and `store.>`.
Says: `coupon.redeemed`, `coupon.cancelled`, `coupon.refused`, `coupon.pending`.
Stores: verify tokens and codes sealed and only while they are needed; of a scan only a keyed hash.
"""
