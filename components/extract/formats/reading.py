"""Annotations in whatever format they are: the one asked for, or the one recognised by its content."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from typing import NoReturn

from components.extract import formats
from components.extract.annotations import AnnotationSet
from components.extract.formats.annotation_format import ListingFormat, TextFormat
from components.extract.formats.json_outline import outline
from components.extract.located import located
from components.parameters.choices import check_one_of
from components.parameters.places import check_file
from components.step.errors import DataError, first_ten, one_line
from components.step.strict_json import read_json
from components.storage.stores import read_bytes


def _found_formats() -> Iterator[TextFormat | ListingFormat]:
    for module in pkgutil.iter_modules(formats.__path__, f"{formats.__name__}."):
        if module.name != __name__:
            found = getattr(importlib.import_module(module.name), "FORMAT", None)
            if isinstance(found, TextFormat | ListingFormat):
                yield found


FOUND = tuple(_found_formats())
TEXT_FORMATS = {found.name: found for found in FOUND if isinstance(found, TextFormat)}
LISTING_FORMATS = {found.name: found for found in FOUND if isinstance(found, ListingFormat)}
FORMATS = (*TEXT_FORMATS, *LISTING_FORMATS)


def read_annotations(format_name: str, uri: str, images_uri: str, image_names: Iterable[str]) -> AnnotationSet:
    """Return the annotations at `uri` in the format called `format_name`, `auto` to recognise it.

    `folders` (and `auto` where `uri` is empty or is `images_uri`) takes the labels from `image_names`, the listing.

    Raises:
        UsageError: no format is called so.
        DataError: there is no such file, it is not of the format, holds an unsafe name or label, or no annotation.
    """
    check_format(format_name)
    if _is_of_the_listing(format_name, uri, images_uri):
        found = LISTING_FORMATS["folders" if format_name == "auto" else format_name].read(image_names)
        return found if found.annotations else _refuse_no_folders(found, images_uri)
    text = _text(uri)
    found = TEXT_FORMATS[recognise(text) if format_name == "auto" else format_name].read(text)
    if found.has_addresses:
        found = located(found, images_uri, list(image_names))
    if not found.annotations and not found.bad:
        raise DataError(f"There must be at least one annotation. Received: none in {one_line(uri)}. Label some images.")
    return found


def _refuse_no_folders(found: AnnotationSet, images_uri: str) -> NoReturn:
    others = [*found.unplaced, *(bad.sample_id for bad in found.bad)]
    raise DataError(
        "There must be a folder of images for each class. "
        f"Received: {first_ten(others) if others else 'no file'} in {one_line(images_uri)}. "
        "Correct images_uri, or name a file with labels in annotations_uri."
    )


def check_format(format_name: str) -> None:
    """Check that `format_name` is `auto` or one of FORMATS.

    Raises:
        UsageError: it is not.
    """
    check_one_of("annotation_format", "annotation_format=", format_name, ("auto", *FORMATS))


def check_annotations_uri(uri: str, images_uri: str, format_name: str) -> None:
    """Check that `uri` can be that of an annotation file, where the labels do not come from folders.

    Raises:
        UsageError: it cannot.
    """
    if not _is_of_the_listing(format_name, uri, images_uri):
        check_file("annotations_uri", uri)


def _is_of_the_listing(format_name: str, uri: str, images_uri: str) -> bool:
    no_file = format_name == "auto" and uri.rstrip("/") in ("", images_uri.rstrip("/"))
    return no_file or format_name in LISTING_FORMATS


def recognise(text: str) -> str:
    """Return the name of the format that `text` is written in.

    Raises:
        DataError: it is none of them.
    """
    for name, text_format in TEXT_FORMATS.items():
        if text_format.recognises(text):
            return name
    raise DataError(
        f"An annotation file must be {_either(known.described for known in TEXT_FORMATS.values())}. "
        f"Received: {_other_tool(text)}. Name its format, or write a CSV with the columns file,label."
    )


def _other_tool(text: str) -> str:
    """Return what `text`, of no format of ours, is.

    Raises:
        DataError: it begins like JSON and is none.
    """
    if text.lstrip()[:1] not in ("{", "["):
        return f"a file that begins {one_line(repr(text[:40]))}"
    try:
        read_json(text)
    except ValueError as error:
        raise DataError(f"A JSON export must be JSON. Received: {one_line(error, 160)}. Export it again.") from error
    names = outline(text).get("", frozenset())
    return "an export of VIA or labelme" if names & {"_via_img_metadata", "shapes"} else "JSON of another structure"


def _either(described: Iterable[str]) -> str:
    *others, last = described
    return f"{', '.join(others)} or {last}"


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
