"""Numbers about predictions, computed with numpy from labels and probabilities alone.

Begin with `assessment`, which gathers what the test step reports.
"""
