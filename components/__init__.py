"""Everything that runs inside Pawline's containers: verbs are steps, nouns are what the steps share."""

import os

VERSION = "0.1.0"  # The one place; semantic, see CHANGELOG.md.

# Libraries that tell their makers who uses them, each asked not to before it can be imported. ONNX Runtime from 1.29 on
# also leaves a device id and its events below HOME.
for _name in ("ORT_DISABLE_TELEMETRY", "MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
    os.environ.setdefault(_name, "true" if _name.startswith("MLFLOW") else "1")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
