"""What a parameter of the pipeline may be, as far as that can be said without data; the steps ask the same functions.

Begin with `later_steps`, which names the rule of every parameter that a step after extract takes.
"""
