"""The packaged sample: 400 product photos. Begin with `photos`."""
