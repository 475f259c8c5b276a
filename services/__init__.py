"""One folder, one process, one owner of tables."""
