"""What every request passes before a route sees it: id, token, headers, room. Begin with `middleware`."""
