"""Parameters of a run on a cluster, checked before it is begun: what the cluster alone can see stays unchecked."""

from collections.abc import Mapping
from typing import Any

from components.extract.parameters import check_parameters
from components.step.errors import UsageError, one_line
from pipeline.compiled import CompiledPipeline
from pipeline.parameters import parse_parameters

PLACES = ("annotations_uri", "images_uri", "dataset_store")
# What may name a file, with a value that names none, so that what is checked along with it is checked.
FILES: Mapping[str, str] = {"weights": "none", "promotion_policy": ""}


def check_for_cluster(pipeline: CompiledPipeline, given: Mapping[str, Any]) -> None:
    """Check the parameters that are `given`, the others having their defaults.

    Raises:
        UsageError: one is missing or not legal.
    """
    values = parse_parameters([], pipeline.parameters, given)
    unseen = {name: other for name, other in FILES.items() if "://" in str(values.get(name))}
    check_parameters({name: value for name, value in (values | unseen).items() if name not in PLACES})


def check_places(given: Mapping[str, Any]) -> None:
    """Check that every place among the parameters that are `given` can be seen from a pod.

    Raises:
        UsageError: one is of this machine.
    """
    for name in PLACES:
        if (uri := str(given.get(name) or "")) and not uri.startswith("s3://"):
            raise UsageError(
                "On a cluster images and datasets lie in a store: pods do not see this machine's files. "
                f"Received: {name}={one_line(uri, 160)}. Upload them, and name s3://bucket/prefix."
            )
