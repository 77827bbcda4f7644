"""split: the samples of a dataset into train, validation and test.

Begin with `step`; `assignment` decides where a group goes.
"""
