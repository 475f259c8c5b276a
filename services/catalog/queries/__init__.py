"""Every SQL statement of this service: one function, one statement."""
