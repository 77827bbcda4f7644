"""How far two pictures are from being the same one: their details compared pixel by pixel, laid on each other.

Only what is finer than a few pixels counts: light and dark areas are alike in many pictures, details are not. Either
picture may be a crop of the other. Nothing here knows of a network.
"""

import numpy as np
from numpy.typing import NDArray

from components.dataset.looks import COLOUR_SIDE, GREY, SIDE, Look

BLUR = 4.0  # Pixels of 32: the standard deviation of what is taken away as light and dark areas.
CROPS = (0.0, 0.015, 0.03, 0.045, 0.06)  # Shares that a side may have lost.
LEAST_DETAIL = 1.0  # Grey levels of 255: below it a picture is flat, and says nothing.
MOST_COLOUR = 16.0  # Levels of 255, the root mean square: as much as brightening by a third changes.
NOTHING_ALIKE = 1.0

Floats = NDArray[np.float32]


def distances(looks: Look, others: Look) -> Floats:
    """Return how far each of `looks` is from its like in `others`, both uint8 [N, LOOK_BYTES], float32 [N].

    0 is the same picture, 1 (NOTHING_ALIKE) has no detail in common; so have flat ones and those of other colours.
    """
    mine, theirs = _grey(looks), _grey(others)
    found = np.minimum(_cropped(mine, theirs), _cropped(theirs, mine))
    colours = np.sqrt(((_colours(looks) - _colours(others)) ** 2).mean(1))
    return np.where(colours <= MOST_COLOUR, found, NOTHING_ALIKE).astype(np.float32)


def mirrored(looks: Look) -> Look:
    """Return `looks`, uint8 [N, LOOK_BYTES], of the pictures turned left to right."""
    grey, colours = looks[:, :GREY].reshape(-1, SIDE, SIDE), looks[:, GREY:].reshape(-1, COLOUR_SIDE, COLOUR_SIDE)
    return np.concatenate([plane[:, :, ::-1].reshape(len(looks), -1) for plane in (grey, colours)], axis=1)


def outlines(looks: Look) -> Floats:
    """Return unit vectors, float32 [N, 64], of `looks` [N, LOOK_BYTES]: coarse pictures, near where those are."""
    means = _grey(looks).reshape(-1, 8, SIDE // 8, 8, SIDE // 8).mean((2, 4)).reshape(-1, 64)
    means -= means.mean(1, keepdims=True)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    return np.asarray(means / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)


def _grey(looks: Look) -> Floats:
    return looks[:, :GREY].reshape(-1, SIDE, SIDE).astype(np.float32)


def _colours(looks: Look) -> Floats:
    return looks[:, GREY:].astype(np.float32)


def _cropped(wholes: Floats, crops: Floats) -> Floats:
    """Return the distance of each of `crops` [N, SIDE, SIDE] from the part of its whole that is most like it."""
    sought = np.asarray(crops - _SOFT @ crops @ _SOFT.T, np.float32)
    upright, lying = _lengthwise(sought), _lengthwise(_turned(sought))
    narrow = _fitted(wholes, upright)[0]  # What the columns have lost, then the rows, then the columns again.
    rows = _fitted(_turned(narrow), lying)[1]
    low = _turned(_stretched(_turned(wholes), rows))
    return _fitted(low, upright)[2]


def _fitted(pictures: Floats, sought: Floats) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Return the crop of each picture's columns that is most like the details `sought`, which it is, and how far."""
    # Cropping and blurring work on each axis alone: all crops of all columns are two products.
    details = pictures @ _CROPPED - (_SOFT @ pictures) @ _CROPPED_AND_SOFT
    details = details.reshape(len(pictures), SIDE, len(_BOXES), SIDE)
    lengths = np.sqrt(np.einsum("nybx,nybx->nb", details, details))
    scores = np.einsum("nybx,nyx->nb", details, sought) / np.maximum(lengths, LEAST_DETAIL * SIDE)
    best = scores.argmax(1)
    return _stretched(pictures, best), best, NOTHING_ALIKE - scores.max(1)


def _stretched(pictures: Floats, boxes: NDArray[np.int64]) -> Floats:
    return pictures @ _BOXES[boxes]


def _lengthwise(details: Floats) -> Floats:
    """Return `details` [N, SIDE, SIDE] at length 1 each, those of flat pictures shorter."""
    lengths = np.sqrt((details**2).sum((1, 2), keepdims=True))
    return np.asarray(details / np.maximum(lengths, LEAST_DETAIL * SIDE), np.float32)


def _turned(pictures: Floats) -> Floats:
    return np.ascontiguousarray(pictures.transpose(0, 2, 1))


def _blurring() -> Floats:
    places = np.arange(SIDE)
    weights = np.exp(-((places[:, None] - places) ** 2) / (2 * BLUR**2))
    return np.asarray(weights / weights.sum(1, keepdims=True), np.float32)


def _stretching(before: float, after: float) -> Floats:
    """Return the matrix [SIDE, SIDE] that takes a line of pixels to what is left of it, at full length, linearly."""
    places = np.clip(before * SIDE + (np.arange(SIDE) + 0.5) * (1 - before - after) - 0.5, 0, SIDE - 1)
    return np.asarray(np.maximum(0, 1 - np.abs(places - np.arange(SIDE)[:, None])), np.float32)


_SOFT = _blurring()
_BOXES = np.stack([_stretching(before, after) for before in CROPS for after in CROPS])
_CROPPED = np.concatenate(list(_BOXES), axis=1)
_CROPPED_AND_SOFT = np.concatenate([box @ _SOFT.T for box in _BOXES], axis=1)
