"""Runs that are there already: a list of them, and one's reports. Begin with `overview`."""
