"""Who runs the work on many images: this machine, or a Ray cluster, unit by unit and with the same results.

Begin with `opening`.
"""
