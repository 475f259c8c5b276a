"""Runs all of Qiao on one machine: real PostgreSQL and NATS from wheels, one process a service."""
