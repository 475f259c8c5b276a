"""Documents that are drawn from the code, so that they cannot say anything else than it does."""
