"""Pool, transactions and migrations; the services' own SQL is in their `queries.py`."""
