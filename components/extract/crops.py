"""Boxes in images as images of their own: a store that gives them by name, cut out when they are read."""

import io
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from PIL import Image

from components.dataset.images import MAX_IMAGE_BYTES, BadImage, decode_image
from components.extract.annotations import Annotation, Box
from components.extract.boxes import photo_of
from components.extract.listing import Listing
from components.step.cores import available_cores
from components.storage.store import ObjectUnreadable, Store, StoredObject

# A photo takes far more memory than what is cut out of it: no more at a time than there are cores.
_decoding = threading.Semaphore(available_cores())


@dataclass(frozen=True, slots=True)
class Crop:
    """What is in `box` of the listed image `photo`."""

    photo: StoredObject
    box: Box


def with_crops(listing: Listing, annotations: Iterable[Annotation]) -> tuple[dict[str, Crop], Listing]:
    """Return the crops by name, and `listing` with what is in the boxes of `annotations` instead of images with boxes.

    A crop is called as `crop_name` says; its size in the listing is the largest that it can have.
    """
    boxes = {annotation.file_name: annotation.box for annotation in annotations if annotation.box}
    if not boxes:
        return {}, listing
    photos = {photo_of(name) for name in boxes}
    objects = {name: found for name, found in listing.objects.items() if name not in photos}
    crops = {
        name: Crop(listing.objects[photo_of(name)], box)
        for name, box in boxes.items()
        if photo_of(name) in listing.objects
    }
    for name, crop in crops.items():
        too_large = crop.photo.size > MAX_IMAGE_BYTES
        objects[name] = replace(crop.photo, name=name, size=crop.photo.size if too_large else _most_bytes(crop.box))
    return crops, replace(listing, objects=objects)


def cropping(store: Store, crops: Mapping[str, Crop]) -> Store:
    """Return `store` with `crops`, by name, beside its objects."""
    return cast(Store, _Cropped(store, crops)) if crops else store


class _Cropped:
    """A store with crops; all but reading is the store's own."""

    def __init__(self, store: Store, crops: Mapping[str, Crop]) -> None:
        self._store, self._crops = store, crops

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def read(self, name: str, expected: StoredObject | None = None) -> bytes:
        crop = self._crops.get(name)
        if crop is None:
            return self._store.read(name, expected)
        data = self._store.read(crop.photo.name, crop.photo, MAX_IMAGE_BYTES)
        try:
            with _decoding:
                return _cut_out(data, crop.box)
        except BadImage as error:
            raise ObjectUnreadable(f"A box must lie in its image. Received: {name}: {error}.", str(error)) from error


def _most_bytes(box: Box) -> int:
    """Return the bytes of a BMP of all in `box`, rows padded to four bytes; of hundredths it may be the whole photo."""
    largest = (box.width + 2) * (box.height + 2) * 4 + 100
    return MAX_IMAGE_BYTES if box.percent else min(int(largest), MAX_IMAGE_BYTES)


def _cut_out(data: bytes, box: Box) -> bytes:
    """Return what is in `box` of the upright image in `data` as BMP, which is the same with every library's version.

    Raises:
        BadImage: the image cannot be decoded, or the box has no pixel of it.
    """
    image = decode_image(data)
    across, down = (image.width / 100, image.height / 100) if box.percent else (1.0, 1.0)
    left, top = max(0, int(box.left * across // 1)), max(0, int(box.top * down // 1))
    right = min(image.width, int(-(-(box.left + box.width) * across // 1)))
    bottom = min(image.height, int(-(-(box.top + box.height) * down // 1)))
    if right <= left or bottom <= top:
        raise BadImage(f"has a box without a pixel of its {image.width} x {image.height}")
    return _bmp(image.crop((left, top, right, bottom)))


def _bmp(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "BMP")
    return buffer.getvalue()
