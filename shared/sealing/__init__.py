"""Personal and secret fields at rest: a data key per merchant, wrapped by the master key."""

from pathlib import Path

MIGRATIONS = Path(__file__).parent / "migrations"
