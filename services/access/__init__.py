"""Who may do what: merchants, stores, staff, terminals, clients, and the tokens they get.

Owns those, the signing keys, the revocations and the hash-chained audit. Hears
`coupon.cancelled` and `intake.delivery_revealed`, for the audit alone. Says `merchant.*`,
`store.*`, `terminal.enrolled`, and `terminal.revoked`, `staff.revoked`, `client.revoked`.
Stores secrets only as keyed hashes, signing keys and staff names only sealed.
"""
