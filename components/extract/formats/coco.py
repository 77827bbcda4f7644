"""COCO JSON: images, categories, and annotations that give an image, or a box in it, one of these."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.extract.annotations import Annotation, AnnotationSet, Box
from components.extract.formats.addresses import name_at
from components.extract.formats.annotation_format import TextFormat
from components.extract.formats.boxes import checked_box
from components.extract.formats.json_lists import read_object_or_list
from components.extract.formats.json_outline import outline
from components.extract.given_split import split_called
from components.extract.notes import noted
from components.extract.one_class import one_class_each
from components.step.counts import counted
from components.step.errors import DataError, one_line
from components.storage.names import check_label

RULE = "A COCO export must be an object with the lists images, annotations and categories"
LISTS = ("images", "annotations", "categories")


@dataclass(frozen=True, slots=True)
class _Image:
    id: object
    file_name: str
    width: float
    height: float
    group: str = ""
    split: str = ""


@dataclass(frozen=True, slots=True)
class _Said:
    image_id: object
    category_id: object
    box: list[Any]
    crowd: bool


def read_coco(text: str) -> AnnotationSet:
    """Read COCO JSON; an annotation without a box, or with one of the whole image, is one of the image.

    Raises:
        DataError: it is not of that structure, an id is not known or is twice, or a name, label or box is damaged.
    """
    export = read_object_or_list(text, RULE, _small)
    if not isinstance(export, dict) or not all(isinstance(export.get(name), list) for name in LISTS):
        raise DataError(f"{RULE}. Received: another structure. Export it again.")
    images = _by_id(export["images"], _Image, "images")
    categories = _by_id(export["categories"], dict, "categories")
    labels = {key: check_label(found["name"]) for key, found in categories.items()}
    annotations = list(_annotations(export["annotations"], images, labels))
    whole, bad = one_class_each(a for a in annotations if not a.box)
    boxes = [a for a in annotations if a.box]
    labelled = {a.file_name for a in annotations}
    left = [image.file_name for image in images.values() if image.file_name not in labelled]
    crowds = sum(said.crowd for said in export["annotations"])
    notes = noted("Images without an annotation", left)
    notes += [f"{counted(crowds, 'box', 'boxes')} of a crowd did not count."] if crowds else []
    splits = sorted({a.split for a in annotations} - {""})
    given = f"the images' split says {', '.join(splits)}" if splits else ""
    return AnnotationSet("coco", whole + boxes, notes, bad, given, has_addresses=True)


def _small(found: dict[str, Any]) -> Any:
    """Return what is needed of an image or an annotation, whose outline may be long; other objects as they are."""
    if found.keys() >= {"image_id", "category_id"}:
        box = found.get("bbox")
        values = box if isinstance(box, list) else []
        return _Said(found["image_id"], found["category_id"], values, bool(found.get("iscrowd")))
    if found.keys() >= {"id", "file_name"}:
        width, height = (v if isinstance(v := found.get(side), int | float) else 0 for side in ("width", "height"))
        name, group = name_at(found["file_name"]), found.get("group")
        # Two names that COCO has not, and our own export has.
        of_group = check_label(group, name) if isinstance(group, str) and group.strip() else ""
        return _Image(found["id"], name, width, height, of_group, _split(found.get("split")))
    return found


def _by_id(items: list[Any], kind: type, name: str) -> dict[object, Any]:
    found: dict[object, Any] = {}
    for item in items:
        key = item.get("id") if isinstance(item, dict) and "name" in item else getattr(item, "id", None)
        if not isinstance(item, kind) or not isinstance(key, int | str) or key in found:
            raise DataError(
                f"COCO's {name} must each have an id of their own and a name. "
                f"Received: {one_line(repr(item), 120)}. Export it again."
            )
        found[key] = item
    return found


def _annotations(
    items: list[Any], images: Mapping[object, _Image], labels: Mapping[object, str]
) -> Iterator[Annotation]:
    for said in items:
        known = isinstance(said, _Said) and all(isinstance(i, int | str) for i in (said.image_id, said.category_id))
        if not known or said.image_id not in images or said.category_id not in labels:
            raise DataError(
                "COCO's annotations must each have the id of an image and of a category. "
                f"Received: {one_line(repr(said), 120)}. Export it again."
            )
        if not said.crowd:
            image = images[said.image_id]
            label, box = labels[said.category_id], _box(said.box, image)
            yield Annotation(image.file_name, label, group=image.group, split=image.split, box=box)


def _split(name: object) -> str:
    return (split_called(name) or "") if isinstance(name, str) else ""


def _box(values: list[Any], image: _Image) -> Box | None:
    """Return the box of `values`, None where it is none or the whole image's."""
    if not values or not any(values):
        return None
    box = checked_box(values, image.file_name)
    is_whole = box.left <= 0 and box.top <= 0 and 0 < image.width <= box.width and 0 < image.height <= box.height
    return None if is_whole else box


def _is_coco(text: str) -> bool:
    found = outline(text)
    images, said = found.get("images", frozenset()), found.get("annotations", frozenset())
    return images >= {"id", "file_name"} or said >= {"image_id", "category_id"}


FORMAT = TextFormat("coco", "COCO (JSON)", _is_coco, read_coco)
