"""promote: the bundle just trained replaces the champion in the model registry, if the evidence says so.

Begin with `step`, then `decision`; `champion` moves the alias.
"""
