"""What this service does."""
