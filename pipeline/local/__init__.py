"""The local run: the compiled pipeline's own commands as processes on this machine. Begin with `run`."""
