"""The page to try the model, and what it asks the server for. Begin with `routes`; its scripts are in `static/`."""
