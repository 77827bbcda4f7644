"""The bundle: a model folder that needs nothing else. Written, read, verified and described here.

Begin with `manifest`, which has the format.
"""
