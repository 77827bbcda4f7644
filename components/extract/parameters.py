"""Every parameter of the pipeline, checked before anything is read: extract's first act, and `pawline run`'s.

A step that trains for hours must not be the one that finds a spelling mistake.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from components.extract.bad_samples import check_on_bad_sample
from components.extract.boxes import check_boxes
from components.extract.formats.reading import check_annotations_uri, check_format
from components.extract.given_split import check_given_split
from components.extract.groups import compile_group_pattern
from components.extract.policy import check_policy
from components.parameters.later_steps import RULES, Rules
from components.parameters.places import check_store
from components.step.errors import DataError, UsageError

OWN: Rules = {
    ("annotation_format",): check_format,
    ("annotations_uri", "images_uri", "annotation_format"): check_annotations_uri,
    ("images_uri",): partial(check_store, "images_uri"),
    ("dataset_store",): partial(check_store, "dataset_store"),
    ("group_pattern",): compile_group_pattern,
    ("on_bad_sample",): check_on_bad_sample,
    ("given_split",): check_given_split,
    ("boxes",): check_boxes,
    ("label_policy",): check_policy,
}


def check_parameters(values: Mapping[str, Any]) -> None:
    """Check `values`, parameters of the pipeline by name; what has no rule or lacks its companions is passed over.

    Raises:
        UsageError: a value is not legal or names a file that is not there.
        ServiceError: the store of such a file does not answer.
    """
    for names, check in {**OWN, **RULES}.items():
        if all(name in values for name in names):
            try:
                check(*(values[name] for name in names))
            except (UsageError, DataError) as error:  # A file that is not there is a wrong value here.
                raise UsageError(_with_parameters(str(error), names)) from error


def _with_parameters(text: str, names: tuple[str, ...]) -> str:
    """Return `text` with parameters in place of the steps' flags: whoever reads it has given no flag."""
    for name in names:
        flag = f"--{name.replace('_', '-')}"
        text = text.replace(f"Received: {flag} ", f"Received: {name}=").replace(f"{flag} must", f"{name} must")
    if not any(name in text for name in names):  # What a store says of the file that the first one names.
        text = text.replace("Received: ", f"Received: {names[0]}=", 1)
    return text
