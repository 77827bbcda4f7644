"""train: a classifier from the train table, watched on the validation table; the bundle out.

Begin with `step`, then `training`; `recipe` has the flags, `fitting` the loop.
"""
