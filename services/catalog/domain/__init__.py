"""What is sold, by which rules. No I/O."""
