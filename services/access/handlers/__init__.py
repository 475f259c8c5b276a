"""What this service does, one module a subject."""
