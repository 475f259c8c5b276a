"""Every SQL statement of intake: one function, one statement."""
