"""Events out by outbox, in by durable pull consumers; the only part that speaks NATS."""

from pathlib import Path

MIGRATIONS = Path(__file__).parent / "migrations"
