"""Moved to shared.strict_json."""

from shared.strict_json import MAX_DEPTH, is_flat, read_json

__all__ = ["MAX_DEPTH", "is_flat", "read_json"]
