"""The rules of spending coupons: states, decisions, answers. No I/O."""
