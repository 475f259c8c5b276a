"""Rules of intake that need no I/O: apps and secrets, deliveries, envelopes."""
