"""What of an image that can be read a network does not see."""

from PIL import Image

from components.dataset.images import tiles

ANIMATED = "Of an animation the first frame alone counts"
TRANSPARENT = "What is wholly transparent is white to a network"


def unseen_of(image: Image.Image) -> str:
    """Return what is not seen of `image`, which `images.decoded` has decoded; empty for nearly all."""
    if getattr(image, "n_frames", 1) > 1 and image.format in ("PNG", "WEBP"):  # JPEGs of phones have previews in them.
        return ANIMATED
    # The first tile with something to see ends the search: nearly always the first of all.
    if image.has_transparency_data and not any(_is_seen(image.crop(box)) for box in tiles(image.size)):
        return TRANSPARENT
    return ""


def _is_seen(tile: Image.Image) -> bool:
    return bool(tile.convert("RGBA").getchannel("A").getextrema()[1])
