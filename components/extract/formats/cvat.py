"""CVAT for images (XML 1.1): tags give an image a class, boxes a part of it."""

from collections import Counter
from typing import Any
from xml.parsers import expat

from components.extract.annotations import Annotation, AnnotationSet, Box
from components.extract.formats.addresses import name_at
from components.extract.formats.annotation_format import TextFormat
from components.extract.formats.boxes import checked_box, number
from components.extract.given_split import split_called
from components.extract.notes import noted
from components.extract.one_class import one_class_each
from components.step.errors import DataError, one_line
from components.storage.names import check_label

RULE = "A CVAT export must be XML of the form CVAT for images 1.1"
_SHAPES = {"polygon", "polyline", "points", "cuboid", "mask", "skeleton", "ellipse"}
_DEEPEST = 16  # CVAT's own lie six deep.


def read_cvat(text: str) -> AnnotationSet:
    """Read CVAT's XML for images; shapes that are no boxes are noted.

    Raises:
        DataError: it is no such XML, has a document type, is of a video, or a name, label or box is damaged.
    """
    found = _Reader()
    found.read(text)
    whole, bad = one_class_each(a for a in found.annotations if not a.box)
    boxes = [a for a in found.annotations if a.box]
    splits = sorted({a.split for a in found.annotations} - {""})
    labelled = {a.file_name for a in found.annotations}
    notes = [
        *noted("Images without a tag or box", [name for name in found.images if name not in labelled]),
        *noted("Shapes that are no boxes and were not read", [f"{k} ({n})" for k, n in sorted(found.shapes.items())]),
    ]
    given = f"the subsets of CVAT are {', '.join(splits)}" if splits else ""
    return AnnotationSet("cvat", whole + boxes, notes, bad, given, has_addresses=True)


class _Reader:
    """Takes in the elements one by one, so that a large export needs no tree."""

    def __init__(self) -> None:
        self.annotations: list[Annotation] = []
        self.images: dict[str, str] = {}
        self.shapes: Counter[str] = Counter()
        self._image, self._open = "", list[str]()

    def read(self, text: str) -> None:
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        # No entity can be declared without one, so that nothing is fetched or grows.
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        try:
            parser.Parse(text.encode(), True)
        except (expat.ExpatError, UnicodeEncodeError) as error:
            raise DataError(f"{RULE}. Received: {one_line(error, 120)}. Export it again.") from error

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._open.append(name)
        if len(self._open) > _DEEPEST or self._open[0] != "annotations":
            raise DataError(f"{RULE}. Received: the element {one_line(name, 80)}. Export it again.")
        if name == "track":
            raise DataError(f"{RULE}. Received: tracks of a video. Export it for images.")
        if self._open == ["annotations", "image"]:
            self._begin_image(attributes)
        elif self._open[:-1] == ["annotations", "image"]:
            self._take(name, attributes)

    def _end(self, name: str) -> None:
        self._open.pop()

    def _begin_image(self, attributes: dict[str, str]) -> None:
        self._image = name_at(attributes.get("name"))
        subset = attributes.get("subset", "")
        split = split_called(subset) or ""
        if self._image in self.images:
            raise DataError(
                "A CVAT export must have each image once. "
                f"Received: {one_line(self._image, 120)} twice. Export it again."
            )
        self.images[self._image] = split

    def _take(self, name: str, attributes: dict[str, str]) -> None:
        if name in _SHAPES:
            self.shapes[name] += 1
        if name in ("tag", "box"):
            label = check_label(attributes.get("label"), self._image)
            box = _box(attributes, self._image) if name == "box" else None
            self.annotations.append(Annotation(self._image, label, split=self.images[self._image], box=box))

    def _refuse_doctype(self, *_: Any) -> None:
        raise DataError(f"{RULE}. Received: XML with a document type. Export it again.")


def _box(attributes: dict[str, str], name: str) -> Box:
    left, top, right, bottom = (number(attributes.get(side, "")) for side in ("xtl", "ytl", "xbr", "ybr"))
    if None in (left, top, right, bottom) or (number(attributes.get("rotation", "0")) or 0) % 360:
        raise DataError(
            "A box of CVAT must have xtl, ytl, xbr and ybr and not be turned. "
            f"Received: {one_line(name, 120)}: {one_line(attributes, 120)}. Correct or remove it in CVAT."
        )
    return checked_box([left, top, right - left, bottom - top], name)  # type: ignore[operator]  # None is refused above.


def _is_cvat(text: str) -> bool:
    start = text[:4096]
    return start.lstrip().startswith("<") and "<annotations" in start and ("<version>" in start or "<image" in start)


FORMAT = TextFormat("cvat", "CVAT for images (XML)", _is_cvat, read_cvat)
