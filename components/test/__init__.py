"""test: the bundle on the test samples it has never seen.

Begin with `step`, then `image_pass`; `report` is what a person sees.
"""
