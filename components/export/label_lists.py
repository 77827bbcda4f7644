"""Images that a person should look at, with a suggested label for each, in the forms that labelling tools import."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from components.parameters.choices import check_one_of
from components.step.files import write_text
from components.step.spreadsheets import write_for_people

ANNOTATOR = "pawline"
COLUMNS = ("file", "label", "suggested", "score", "suspected", "group")


@dataclass(frozen=True, slots=True)
class ToLabel:
    """An image to look at: the label it has, if any, the one suggested, and how much speaks for a look (the reason)."""

    file: str
    label: str
    suggested: str
    score: float
    reason: str
    group: str = ""


def write_label_list(path: Path, form: str, images: Sequence[ToLabel], images_uri: str) -> None:
    """Write `images`, which lie at `images_uri`, to `path` in the form called `form`, in their order.

    Raises:
        UsageError: no form is called so.
        ServiceError: `path` cannot be written.
    """
    check_list_form(form)
    if form == "csv":
        rows = ([i.file, i.label, i.suggested, i.score, "true", i.group] for i in images)
        write_for_people(path, COLUMNS, rows)
    else:
        write_text(path, json.dumps(JSON_FORMS[form](images, images_uri), indent=1, ensure_ascii=False) + "\n")


def check_list_form(form: str) -> None:
    """Check that `form` is one of FORMS.

    Raises:
        UsageError: it is not.
    """
    check_one_of("The form of a list", "--form ", form, FORMS)


def _label_studio(images: Sequence[ToLabel], images_uri: str) -> list[dict[str, Any]]:
    """Return tasks with a prediction, which Label Studio shows as a first choice; local files are below its root."""
    return [
        {"data": {"image": _address(image.file, images_uri), "reason": image.reason}, "predictions": [_guess(image)]}
        for image in images
    ]


def _address(name: str, images_uri: str) -> str:
    return f"{images_uri.rstrip('/')}/{name}" if "://" in images_uri else f"/data/local-files/?d={quote(name)}"


def _guess(image: ToLabel) -> dict[str, Any]:
    choice = {"from_name": "choice", "to_name": "image", "type": "choices", "value": {"choices": [image.suggested]}}
    return {"model_version": ANNOTATOR, "score": image.score, "result": [choice]}


def _ecotag(images: Sequence[ToLabel], _: str) -> dict[str, Any]:
    """Return an ecotag export of which nothing counts as done, as a person has yet to look; the same at any time."""
    annotations = [
        {"nameIdentifier": ANNOTATOR, "createDate": 0, "fileName": i.file, "annotation": {"label": i.suggested}}
        for i in images
    ]
    name = "labels to check"
    head = {"projectName": name, "projectType": "ImageClassifier", "datasetName": name, "datasetType": "Image"}
    count = {"numberAnnotationsDone": 0, "numberAnnotationsToDo": len(annotations)}
    return {**head, "classification": "Confidential", **count, "annotations": annotations}


JSON_FORMS: Mapping[str, Callable[[Sequence[ToLabel], str], Any]] = {"label-studio": _label_studio, "ecotag": _ecotag}
FORMS = (*JSON_FORMS, "csv")
