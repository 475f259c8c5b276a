"""Refunds that are asked of us.

`asked` records and answers, `ruling` locks the coupons and applies the rules, `deciding` is a
person's word, `telling` gives the platform the answer it waits for, `following` hears what became
of the money, `clock` watches the platform's time limit, `giving_back` releases locks. `moving` is
the one place where an after-sale changes.
"""
