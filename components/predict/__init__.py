"""Many image files labelled at once, with the answers that the server gives. Begin with `prediction`."""
