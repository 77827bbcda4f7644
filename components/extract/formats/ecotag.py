"""An ecotag export: the whole project (JSON object) or only its list of annotations."""

from collections.abc import Mapping
from typing import Any

from components.extract.annotations import Annotation, AnnotationSet
from components.extract.formats.annotation_format import TextFormat
from components.extract.formats.json_outline import outline
from components.step.counts import counted
from components.step.errors import DataError, one_line
from components.step.strict_json import NameTwice, read_json
from components.storage.names import check_label, check_name

ECOTAG_CLASSIFIERS = {"ImageClassifier", "DocumentClassifier"}

AS_CSV = "Write its images and labels as a CSV with the columns file,label"


def read_ecotag(text: str) -> AnnotationSet:
    """Read an ecotag export: the whole project (JSON object) or only its list of annotations.

    Raises:
        DataError: it is not JSON, of a project type that does not label whole images, or an annotation is damaged.
    """
    try:
        # Each annotation becomes its small record while parsing: a million dicts would not fit the memory of a pod.
        export = read_json(text, _ecotag_object)
    except NameTwice as error:
        raise DataError(
            f"An ecotag export must have each name once in an object. Received: {one_line(error)}. Export it again."
        ) from error
    except ValueError as error:  # JSON that is none, and numbers of thousands of digits.
        lines = _is_json_lines(text)
        received = f"JSON lines. {AS_CSV}" if lines else f"{one_line(error)}. Export it again"
        raise DataError(f"An ecotag export must be JSON. Received: {received}.") from error
    envelope = {"annotations": export} if isinstance(export, list) else export
    annotations = envelope.get("annotations") if isinstance(envelope, dict) else None
    if not isinstance(annotations, list) or not all(isinstance(item, Annotation) for item in annotations):
        raise DataError(
            "An ecotag export must hold a list 'annotations' of objects with fileName and annotation. "
            f"Received: {_other_tool(export)}."
        )
    _check_project_type(envelope.get("projectType", "ImageClassifier"))
    return AnnotationSet("ecotag", annotations, _unfinished(envelope))


def _other_tool(export: object) -> str:
    keys = set(export) if isinstance(export, dict) else set[str]()
    first = set(export[0]) if isinstance(export, list) and export and isinstance(export[0], dict) else set[str]()
    if keys >= {"images", "annotations"}:
        name = "COCO JSON"
    elif first >= {"data"} and first & {"annotations", "completions"}:
        name = "a Label Studio export"
    elif "_via_img_metadata" in keys or (keys >= {"shapes"}):
        name = "an export of VIA or labelme"
    else:
        return "another structure. Export it again, or write a CSV with the columns file,label"
    return f"{name}. {AS_CSV}"


def _is_json_lines(text: str) -> bool:
    first, _, rest = text.strip().partition("\n")
    return first.startswith("{") and first.rstrip().endswith("}") and rest.lstrip().startswith("{")


def _is_ecotag(text: str) -> bool:
    found = outline(text)
    if any("fileName" in found.get(name, ()) for name in ("[]", "annotations")):
        return True
    return not found.get("", frozenset()).isdisjoint({"projectName", "projectType", "numberAnnotationsDone"})


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
    name = check_name(found["fileName"])
    return Annotation(
        name,
        check_label(annotation["label"], f"label of {name}"),
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
        return [f"The labelling is not finished: {done} of {counted(todo, 'annotation is', 'annotations are')} done."]
    return []


FORMAT = TextFormat("ecotag", "an ecotag export (JSON)", _is_ecotag, read_ecotag)
