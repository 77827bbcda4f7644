"""The table of runs that a link shows in MLflow: the best test accuracy first, beside the parameters that matter.

MLflow keeps a view that is to be shared as a tag of its experiment, and the link names the tag.
"""

import json

KEY = "pawline"
METRICS = ("test_accuracy", "test_accuracy_low", "test_accuracy_high", "test_macro_f1", "promotion_promoted")
PARAMETERS = ("backbone", "epochs", "learning_rate", "augment", "fine_tune_epochs", "seed")

BEST = "metrics.`test_accuracy`"
COLUMNS = [
    "attributes.`Dataset`",
    *(f"metrics.`{name}`" for name in METRICS),
    *(f"params.`{name}`" for name in PARAMETERS),
]
VIEW = {"searchFilter": "", "orderByKey": BEST, "orderByAsc": False, "selectedColumns": COLUMNS}
# The name and the value of the experiment's tag.
VIEW_TAG = (f"mlflow.sharedViewState.{KEY}", json.dumps(VIEW))


def runs_link(page: str, experiment_id: str) -> str:
    """Return the link to the view in the MLflow whose address is `page`."""
    return f"{page}/#/experiments/{experiment_id}/runs?viewStateShareKey={KEY}&workflowType=machine_learning"
