"""Rehearses a day with the simulated platform, and checks afterwards that nothing went wrong."""
