"""extract: annotations and images in, a verified dataset out.

Begin with `step`; annotation formats are in `formats`.
"""
