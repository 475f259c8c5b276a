"""Takes what platforms send: checks it, stores it durably, answers, and passes it on.

Owns: applications with their secrets, platform tokens, deliveries (the raw record).
Hears: webhooks over HTTP; `merchant.*`.
Says: `platform.<platform>.<event>`, `intake.delivery_conflicted`, `intake.delivery_revealed`,
`intake.question_answered`.
Stores: apps, app_secrets, merchants, deliveries, delivery_conflicts, platform_tokens, app_hours.
"""
