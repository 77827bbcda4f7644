"""The model in service: where it comes from, the verified bundle and its engine. Begin with `model`."""
