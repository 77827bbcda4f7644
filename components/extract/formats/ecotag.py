"""An ecotag export: the whole project (JSON object) or only its list of annotations."""

import json
from collections.abc import Mapping
from typing import Any

from components.extract.annotations import Annotation, AnnotationSet
from components.extract.formats.annotation_format import TextFormat
from components.step.errors import DataError, one_line
from components.storage.names import check_label, check_name

ECOTAG_CLASSIFIERS = {"ImageClassifier", "DocumentClassifier"}


def read_ecotag(text: str) -> AnnotationSet:
    """Read an ecotag export: the whole project (JSON object) or only its list of annotations.

    Raises:
        DataError: it is not JSON, of a project type that does not label whole images, or an annotation is damaged.
    """
    try:
        # Each annotation becomes its small record while parsing: a million dicts would not fit the memory of a pod.
        export = json.loads(text, object_hook=_ecotag_object)
    except (ValueError, RecursionError) as error:  # ValueError: JSON that is none, and numbers of thousands of digits.
        raise DataError(f"An ecotag export must be JSON. Received: {one_line(error)}. Export it again.") from error
    envelope = {"annotations": export} if isinstance(export, list) else export
    annotations = envelope.get("annotations") if isinstance(envelope, dict) else None
    if not isinstance(annotations, list) or not all(isinstance(item, Annotation) for item in annotations):
        raise DataError(
            "An ecotag export must hold a list 'annotations' of objects with fileName and annotation. "
            "Received: another structure. Export it again."
        )
    _check_project_type(envelope.get("projectType", "ImageClassifier"))
    return AnnotationSet("ecotag", annotations, _unfinished(envelope))


def _looks_like_json(text: str) -> bool:
    return text.lstrip()[:1] in ("{", "[")


def _ecotag_object(found: dict[str, Any]) -> Any:
    if "fileName" not in found:
        return found
    annotation = found.get("annotation")
    if not isinstance(annotation, dict) or "label" not in annotation:
        raise DataError(
            "Each ecotag annotation must hold a label. "
            f"Received: {one_line(repr(annotation), 80)} for {one_line(repr(found['fileName']), 80)}. "
            "Export a classifier project."
        )
    created = found.get("createDate")
    return Annotation(
        check_name(found["fileName"]),
        check_label(annotation["label"]),
        str(found.get("nameIdentifier", "")),
        created if isinstance(created, int) else 0,
    )


def _check_project_type(project_type: object) -> None:
    if not isinstance(project_type, str) or project_type not in ECOTAG_CLASSIFIERS:
        raise DataError(
            f"An ecotag project must be one of {', '.join(sorted(ECOTAG_CLASSIFIERS))}. "
            f"Received: projectType={one_line(repr(project_type), 80)}. Export a project that labels whole images."
        )


def _unfinished(envelope: Mapping[str, Any]) -> list[str]:
    done, todo = envelope.get("numberAnnotationsDone"), envelope.get("numberAnnotationsToDo")
    if isinstance(done, int) and isinstance(todo, int) and done < todo:
        return [f"The labelling is not finished: {done} of {todo} annotations are done."]
    return []


FORMAT = TextFormat("ecotag", "an ecotag export (JSON)", _looks_like_json, read_ecotag)
