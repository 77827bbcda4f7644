"""The accepted model over HTTP: `python -m components.serve BUNDLE`."""
