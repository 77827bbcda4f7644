"""A run for every combination of parameters on one dataset and one split. Begin with `runs`."""
