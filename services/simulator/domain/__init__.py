"""The platform's own rules, without I/O."""
