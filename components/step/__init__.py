"""What every step has: its command and log, outputs for KFP, errors in one line, progress, files, reports.

Begin with `command`, which runs a step, and `errors`, which says how a user's mistake ends.
"""
