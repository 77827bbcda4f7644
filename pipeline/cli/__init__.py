"""The `pawline` command, one module a command. Begin with `main`."""
