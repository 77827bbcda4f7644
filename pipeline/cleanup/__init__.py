"""What can go from a folder of runs, and its removal. Begin with `plan`."""
