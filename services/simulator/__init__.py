"""Stands in for Douyin: its OpenAPI, its webhooks, its rules, and its failures on request.

Owns: fake apps, merchants, orders, coupons, verifications and the queue of webhooks.
Hears: HTTP on Douyin's own paths, and commands of tests and of `qiao simulate` under /sim/v1/.
Says: signed webhooks. It knows neither NATS nor our tokens, and is no part of production.
Stores: all of it in Postgres, so that a killed simulator forgets nothing it promised.
"""
