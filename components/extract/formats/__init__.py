"""Annotation formats, one module each. Begin with `reading`, which finds them here.

To add a format, add a module with a FORMAT (`annotation_format`) and its test; nothing else need know of it.
"""
