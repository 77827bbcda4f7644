"""What of an image that can be read a network does not see."""

from PIL import Image

ANIMATED = "Of an animation the first frame alone counts"
TRANSPARENT = "What is wholly transparent is white to a network"


def unseen_of(image: Image.Image) -> str:
    """Return what is not seen of `image`, which `images.decoded` has decoded; empty for nearly all."""
    if getattr(image, "n_frames", 1) > 1 and image.format in ("PNG", "WEBP"):  # JPEGs of phones have previews in them.
        return ANIMATED
    if image.has_transparency_data:
        alpha = image if "A" in image.getbands() else image.convert("RGBA")
        return TRANSPARENT if alpha.getchannel("A").getextrema()[1] == 0 else ""
    return ""
