"""What people call the reports of a run, and the step that writes each; the one that says most comes first."""

REPORTS = {"test": "test", "train": "train", "data": "extract", "promote": "promote"}
