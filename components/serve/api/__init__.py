"""The plain API: predictions of image files, health, metrics and the OpenAPI document. Begin with `simple`."""
