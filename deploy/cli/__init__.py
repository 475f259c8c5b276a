"""`qiao`: everything an operator does from a terminal, over the same HTTP that others use."""
