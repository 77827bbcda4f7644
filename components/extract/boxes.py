"""Exports that label boxes in images: refused, made an image each, or taken for labels of the whole images."""

import math
from dataclasses import replace

from components.extract.annotations import Annotation, AnnotationSet, Box
from components.extract.bad_samples import MUST_HAVE_A_NAME_LEFT, BadSample
from components.extract.notes import noted
from components.extract.one_class import one_class_each
from components.parameters.choices import check_one_of
from components.step.counts import counted
from components.step.errors import DataError
from components.storage.names import check_name

CHOICES = ("refuse", "crop", "whole")
# As in W3C's Media Fragments URI 1.0: what stands behind names a part of the image before it.
FRAGMENT = "#xywh="


def check_boxes(choice: str) -> None:
    """Check that `choice` is one of CHOICES.

    Raises:
        UsageError: it is not.
    """
    check_one_of("boxes", "boxes=", choice, CHOICES)


def without_boxes(annotated: AnnotationSet, choice: str) -> AnnotationSet:
    """Return `annotated` as `choice` has it: with boxes as images of their own, by name, or with labels of images.

    Raises:
        DataError: there are boxes, and what they are to be was not said.
    """
    boxed = [a for a in annotated.annotations if a.box]
    if not boxed:
        return annotated
    if choice == "refuse":
        photos = counted(len({a.file_name for a in boxed}), "image")
        raise DataError(
            "Labelled boxes must not be taken for labels of images unasked. "
            f"Received: {counted(len(boxed), 'box', 'boxes')} in {photos}. "
            "Set boxes=crop to make each an image of its own, or boxes=whole to give each image the class of its boxes."
        )
    if choice == "whole":
        whole, bad = one_class_each(replace(a, box=None) for a in annotated.annotations)
        note = f"{counted(len(boxed), 'box', 'boxes')} stand for labels of their images."
        return replace(annotated, annotations=whole, bad=[*annotated.bad, *bad], notes=[*annotated.notes, note])
    return _as_crops(annotated)


def photo_of(name: str) -> str:
    """Return the image that the crop called `name` is a part of; any other name as it is."""
    return name.rpartition(FRAGMENT)[0] or name


def crop_name(photo: str, box: Box) -> str:
    """Return the name of what is in `box` of `photo`: whole pixels that hold all of it, or hundredths."""
    if box.percent:
        return f"{photo}{FRAGMENT}percent:{','.join(f'{v:.6g}' for v in (box.left, box.top, box.width, box.height))}"
    left, top = max(0, math.floor(box.left)), max(0, math.floor(box.top))
    right, bottom = math.ceil(box.left + box.width), math.ceil(box.top + box.height)
    return f"{photo}{FRAGMENT}{left},{top},{max(0, right - left)},{max(0, bottom - top)}"


def _as_crops(annotated: AnnotationSet) -> AnnotationSet:
    whole = sorted({a.file_name for a in annotated.annotations if not a.box})
    crops: dict[Annotation, None] = {}
    bad = []
    for annotation in annotated.annotations:
        if annotation.box:
            name = crop_name(annotation.file_name, annotation.box)
            try:
                crops[replace(annotation, file_name=check_name(name))] = None
            except DataError:
                bad.append(
                    BadSample(MUST_HAVE_A_NAME_LEFT, annotation.file_name, "has a box, for which it is too long")
                )
    notes = [*annotated.notes, f"{counted(len(crops), 'box is', 'boxes are')} an image each."]
    notes += noted("Labels of whole images that do not count beside boxes", whole)
    return replace(annotated, annotations=list(crops), bad=[*annotated.bad, *bad], notes=notes)
