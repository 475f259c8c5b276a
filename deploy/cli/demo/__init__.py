"""A world to look at: merchants, stores, terminals, and a quiet day of orders."""
