"""How often a password may be guessed."""

from datetime import timedelta

# The fifth wrong password in a row locks, each further one for twice as long.
FREE_ATTEMPTS = 5
FIRST_LOCK = timedelta(seconds=30)
LONGEST_LOCK = timedelta(minutes=15)
ATTEMPTS_COUNT_FOR = timedelta(hours=24)
