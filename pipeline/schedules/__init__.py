"""Recurring runs: declared in a file, compared with what a cluster has, made so. Begin with `declared`."""
