"""What each content platform does in its own way, one folder per platform.

`registry` holds the platforms; services ask it by name and never name one in their logic.
`platform` says what every platform must offer, `outcomes` how its answers and failures look,
`reasons` why a coupon is refused and what the clerk should do, `rate` how calls are shared out.
"""
