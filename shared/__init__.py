"""Contracts and plumbing that every service stands on; knows none of the services."""
