"""Everything that is Douyin's: signatures, envelopes, events, codes, statuses, and its OpenAPI."""
