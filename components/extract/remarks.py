"""What a network does not see of images that it can read: worth a note, and no fault."""

from collections.abc import Iterable

from components.extract.image_reading import SpooledImage
from components.extract.notes import noted


def remarked(images: Iterable[SpooledImage]) -> list[str]:
    """Return a sentence for each remark on `images`, with the names of those it is on."""
    names: dict[str, list[str]] = {}
    for image in images:
        if image.remark:
            names.setdefault(image.remark, []).append(image.source.name)
    return [sentence for remark, those in sorted(names.items()) for sentence in noted(remark, sorted(those))]
