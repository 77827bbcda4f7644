"""Annotation formats: each is one function from text (or a listing) to annotations, named in FORMATS.

To add a format, write its reader here, add it to FORMATS, and teach `recognise` its first characters.
"""

import contextlib
import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from components.extract.annotations import Annotation, AnnotationSet
from components.parameters.places import check_file
from components.step.errors import DataError, UsageError, one_line
from components.storage.names import check_label, check_name
from components.storage.stores import read_bytes

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
ECOTAG_CLASSIFIERS = {"ImageClassifier", "DocumentClassifier"}


def read_annotations(format_name: str, uri: str, images_uri: str, image_names: Iterable[str]) -> AnnotationSet:
    """Return the annotations at `uri` in the format called `format_name`, `auto` to recognise it.

    `folders` (and `auto` where `uri` is empty or is `images_uri`) takes the labels from `image_names`, the listing.

    Raises:
        UsageError: no format is called so.
        DataError: there is no such file, it is not of the format, holds an unsafe name or label, or no annotation.
    """
    check_format(format_name)
    if _is_folders(format_name, uri, images_uri):
        found = read_folders(image_names)
    else:
        text = _text(uri)
        name = recognise(text) if format_name == "auto" else format_name
        found = TEXT_FORMATS[name](text)
    if not found.annotations:
        raise DataError(
            f"There must be at least one annotation. Received: none in {one_line(uri or images_uri)}. "
            "Label some images."
        )
    return found


def check_format(format_name: str) -> None:
    """Check that `format_name` is `auto` or one of FORMATS.

    Raises:
        UsageError: it is not.
    """
    if format_name not in ("auto", *FORMATS):
        raise UsageError(
            f"annotation_format must be one of auto, {', '.join(FORMATS)}. "
            f"Received: annotation_format={one_line(repr(format_name), 40)}. Choose one of these."
        )


def check_annotations_uri(uri: str, images_uri: str, format_name: str) -> None:
    """Check that `uri` can be that of an annotation file, where the labels do not come from folders.

    Raises:
        UsageError: it cannot.
    """
    if not _is_folders(format_name, uri, images_uri):
        check_file("annotations_uri", uri)


def _is_folders(format_name: str, uri: str, images_uri: str) -> bool:
    return format_name == "folders" or (format_name == "auto" and uri.rstrip("/") in ("", images_uri.rstrip("/")))


def recognise(text: str) -> str:
    """Return the name of the format that `text` is written in.

    Raises:
        DataError: it is none of them.
    """
    start = text.lstrip()[:1]
    if start in ("{", "["):
        return "ecotag"
    with contextlib.suppress(csv.Error):
        if _csv_columns(next(csv.reader(io.StringIO(text)), [])):
            return "csv"
    raise DataError(
        "An annotation file must be an ecotag export (JSON) or CSV with the columns file,label[,group]. "
        f"Received: a file that begins {one_line(repr(text[:40]))}. Name its format or export it again."
    )


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


def read_csv(text: str) -> AnnotationSet:
    """Read CSV with the columns `file,label[,group]` or `image name,label`, in any order.

    Raises:
        DataError: the columns are others, or a row is damaged.
    """
    rows = csv.reader(io.StringIO(text), strict=True)
    try:
        columns = _csv_columns(next(rows, []))
        if columns is None:
            raise DataError(
                "A CSV of annotations must start with the columns file,label[,group]. Received: others. Add the header."
            )
        return AnnotationSet("csv", [_csv_annotation(row, columns, rows.line_num) for row in rows if row])
    except csv.Error as error:
        raise DataError(
            f"Annotations must be well-formed CSV. Received: line {rows.line_num}: {error}. Correct the file."
        ) from error


def read_folders(names: Iterable[str]) -> AnnotationSet:
    """Read labels from a listing where each class has a folder; the first folder of a name is its label.

    Raises:
        DataError: a name is unsafe.
    """
    annotations, ignored = [], 0
    for name in names:
        path = PurePosixPath(name)
        if len(path.parts) > 1 and path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith("."):
            annotations.append(Annotation(check_name(name), check_label(path.parts[0])))
        else:
            ignored += 1
    notes = [f"{ignored} files that are no images in a class folder were ignored."] if ignored else []
    return AnnotationSet("folders", annotations, notes)


TEXT_FORMATS: dict[str, Callable[[str], AnnotationSet]] = {"ecotag": read_ecotag, "csv": read_csv}
FORMATS = (*TEXT_FORMATS, "folders")


def _text(uri: str) -> str:
    data = read_bytes(uri)
    if not data.strip():
        raise DataError(f"An annotation file must not be empty. Received: {one_line(uri)}. Export it again.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"An annotation file must be UTF-8 text. Received: {one_line(uri)}: {error}. Save it as UTF-8."
        ) from error


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


def _csv_columns(header: list[str]) -> dict[str, int] | None:
    names = [name.strip().lower() for name in header]
    file = next((name for name in ("file", "image name") if name in names), None)
    if file is None or "label" not in names:
        return None
    columns = {"file": names.index(file), "label": names.index("label")}
    return {**columns, "group": names.index("group")} if "group" in names else columns


def _csv_annotation(row: list[str], columns: Mapping[str, int], line: int) -> Annotation:
    if len(row) <= max(columns.values()):
        raise DataError(
            f"Each CSV row must have every column of the header. Received: line {line}: {one_line(row, 80)}. "
            "Complete it."
        )
    group = row[columns["group"]].strip() if "group" in columns else ""
    return Annotation(
        check_name(row[columns["file"]]), check_label(row[columns["label"]]), str(line), 0, group and check_label(group)
    )
