"""How to draw for a model: polarity, size and pen as in the pictures it knows, read from the bundle's golden images."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

COLOUR = 0.02  # Mean difference of the colour channels up to which pictures are grey, as a share of white.
NEAR = 0.2  # Difference in brightness up to which a pixel is background, as a share of white.
FLAT = 0.4  # Share of background pixels from which on pictures are drawings on a plain ground.
PHOTO = {"centre": False, "extent": 0.8, "pen": 0.04}  # Where the pictures are no drawings, there is nothing to copy.

Greys = NDArray[np.float32]


def drawing_style(images: NDArray[np.uint8]) -> dict[str, Any]:
    """Return how to draw what looks like `images`, uint8 RGB [K, H, W, 3], as plain JSON values.

    `background` is "dark" or "light"; `centre` whether to scale and centre the drawing, `extent` the longer side of its
    ink then and `pen` the width of a line, both as shares of the picture's side; `reason` says why, for people.
    """
    if not len(images):
        return {"background": "light", **PHOTO, "reason": "The model has no examples to draw like."}
    greys = images.mean(axis=3, dtype=np.float32) / 255
    level = float(np.median(_border(greys)))
    how = _line_style(np.abs(greys - level) > 0.5) if _are_drawings(images, greys, level) else dict(PHOTO)
    background = "dark" if level < 0.5 else "light"
    return {"background": background, **how, "reason": _reason(background, bool(how["centre"]))}


def _border(greys: Greys) -> Greys:
    """Return the outermost pixels of all pictures."""
    return np.concatenate([greys[:, 0], greys[:, -1], greys[:, :, 0], greys[:, :, -1]], axis=1)


def _are_drawings(images: NDArray[np.uint8], greys: Greys, level: float) -> bool:
    grey = float((images.max(axis=3) - images.min(axis=3)).mean()) / 255 <= COLOUR
    distance = np.abs(greys - level)
    has_ink = bool((distance.max(axis=(1, 2)) > 0.5).all())
    return grey and has_ink and float((distance <= NEAR).mean()) >= FLAT


def _line_style(ink: NDArray[np.bool_]) -> dict[str, Any]:
    return {"centre": True, "extent": round(_extent(ink), 3), "pen": round(_pen(ink), 3)}


def _extent(ink: NDArray[np.bool_]) -> float:
    """Return the median over the pictures of the longer side of the box around the ink, as a share of their side."""
    median = float(np.median([max(_length(one.any(axis=0)), _length(one.any(axis=1))) for one in ink]))
    return median / float(ink.shape[1])


def _length(occupied: NDArray[np.bool_]) -> int:
    where = np.flatnonzero(occupied)
    return int(where[-1] - where[0]) + 1


def _pen(ink: NDArray[np.bool_]) -> float:
    """Return the width of the lines, as a share of the side: a line's area is its width times half its outline."""
    outline = (ink[:, 1:] != ink[:, :-1]).sum() + (ink[:, :, 1:] != ink[:, :, :-1]).sum()
    return float(np.clip(2 * ink.sum() / max(1, outline) / ink.shape[1], 0.02, 0.15))


def _reason(background: str, centre: bool) -> str:
    end = ", and they fill as much of it as your drawing will." if centre else "."
    return f"The model's own examples have a {background} ground{end}"
