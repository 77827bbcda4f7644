"""export: a dataset, or a list of labels to look at, in the forms of other tools.

Begin with `datasets`; lists for labelling tools are in `label_lists`.
"""
