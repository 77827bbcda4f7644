"""Annotation files for tests, and what a refusal of one must look like."""

from collections.abc import Callable
from typing import Any

import pytest

from components.extract.annotations import Annotation, AnnotationSet
from components.step.errors import DataError, PawlineError

# 1 March 2023 in .NET ticks, as ecotag writes them.
TICKS = 638132256000000000


def annotation(name: Any, label: Any, annotator: str = "ann@example.org", created: Any = TICKS) -> dict[str, Any]:
    return {
        "nameIdentifier": annotator,
        "createDate": created,
        "fileName": name,
        "annotation": {"label": label},
    }


def project(*annotations: Any, **changes: Any) -> dict[str, Any]:
    return {
        "projectName": "pets",
        "projectType": "ImageClassifier",
        "datasetName": "pets photos",
        "datasetType": "Image",
        "classification": "Public",
        "numberAnnotationsDone": len(annotations),
        "numberAnnotationsToDo": len(annotations),
        "annotations": list(annotations),
        **changes,
    }


def assert_one_line(error: PawlineError) -> None:
    assert str(error).isprintable(), "one line without control characters"
    assert 0 < len(str(error)) < 1000


def refusal(read: Callable[[str], object], text: str) -> str:
    with pytest.raises(DataError) as caught:
        read(text)
    assert_one_line(caught.value)
    return str(caught.value)


def read_or_refuse(read: Callable[[str], AnnotationSet], text: str) -> None:
    try:
        found = read(text)
    except DataError as error:
        assert_one_line(error)
    else:
        assert all(isinstance(item, Annotation) and item.file_name and item.label for item in found.annotations)
