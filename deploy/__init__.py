"""Ways to run the system: the embedded launcher, the `qiao` command, containers."""
