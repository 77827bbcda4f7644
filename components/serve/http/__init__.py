"""HTTP below the application: connections, turns of the event loop, multipart, errors, the log. Begin with `errors`."""
