"""Runs on one test set side by side. Begin with `comparison`."""
