"""A user's own augmentation, `module:function`: called for each image with random numbers of its own, and checked.

What it does to a sample is drawn from (seed, phase, epoch, sample), so that a killed training goes on as it began.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.parameters.own_function import failed, find_function
from components.parameters.roles import AUGMENTATION
from components.step.counts import counted
from components.step.errors import DataError, one_line
from components.step.findings import Finding, finding, findings

Image = NDArray[np.uint8]
STREAM = 3  # Of an epoch's random numbers; 1 and 2 are those of our own augmentation.
TRIES = 8  # Of the check, for each image.


class OwnAugmentation:
    """The function called `name`, which gives an image, uint8 RGB `[H, W, 3]`, of the same shape for another."""

    def __init__(self, name: str) -> None:
        """Find the function.

        Raises:
            UsageError: it cannot be imported, or cannot be called with an image and a random generator.
        """
        self._name, self._function = name, find_function(name, AUGMENTATION)

    def __call__(self, image: Image, random: np.random.Generator) -> Image:
        """Return what the function makes of `image`, which it cannot change, with numbers drawn from `random`.

        Raises:
            UsageError: it raises.
            DataError: what it returns is no such image.
        """
        given = image.view()
        given.flags.writeable = False
        try:
            made = self._function(given, random)
        except Exception as error:
            raise failed(self._name, error, AUGMENTATION) from error
        if not isinstance(made, np.ndarray) or made.dtype != np.uint8 or made.shape != image.shape:
            raise DataError(
                f"An augmentation must give an image as it gets one, uint8 {list(image.shape)}. "
                f"Received: --augment {one_line(self._name, 120)}: {_described(made)}. Correct it."
            )
        return made

    def batch(self, images: Image, seed: Sequence[int], rows: Iterable[int]) -> Image:
        """Return `images`, uint8 `[N, H, W, 3]`, each changed by what `seed` and its number among `rows` draw."""
        changed = (
            self(image, np.random.default_rng([*seed, STREAM, int(row)]))
            for image, row in zip(images, rows, strict=True)
        )
        return np.stack(list(changed))


def check_augmentation(name: str, images: Image) -> Iterator[Finding]:
    """Yield what each rule finds for the augmentation called `name` on `images`, uint8 RGB `[N, H, W, 3]`.

    Raises:
        UsageError: there is no such function.
    """
    augment = OwnAugmentation(name)
    called = finding("called", lambda: _check_called(augment, images))
    yield called
    rules: dict[str, Callable[[], str]] = {
        "deterministic": lambda: _check_repeats(augment, images),
        "keeps its input": lambda: _check_input(augment, images),
        "changes images": lambda: _check_changes(augment, images),
    }
    if called.kept:  # Else each would say the same.
        yield from findings(rules)


def random_images(side: int) -> Image:
    """Return a few images, uint8 RGB `[N, side, side, 3]`, to check with."""
    return np.random.default_rng(0).integers(0, 256, (4, side, side, 3), dtype=np.uint8)


def _tries(augment: OwnAugmentation, images: Image) -> Image:
    tried = (augment.batch(images.copy(), [0, epoch], range(len(images))) for epoch in range(TRIES))
    return np.concatenate(list(tried))


def _check_called(augment: OwnAugmentation, images: Image) -> str:
    made = _tries(augment, images)
    return f"{len(made)} times, uint8 {list(made.shape[1:])} each time"


def _check_repeats(augment: OwnAugmentation, images: Image) -> str:
    if not np.array_equal(_tries(augment, images), _tries(augment, images)):
        raise DataError("one seed gives different images: draw from the generator that is given, from nothing else")
    return "same seed, same images"


def _check_input(augment: OwnAugmentation, images: Image) -> str:
    given = images.copy()
    augment.batch(given, [0, 0], range(len(given)))
    if not np.array_equal(given, images):
        raise DataError("the image that it is given is changed: copy it first")
    return "the image that it is given stays as it is"


def _check_changes(augment: OwnAugmentation, images: Image) -> str:
    made = _tries(augment, images)
    changed = sum(not np.array_equal(one, images[index % len(images)]) for index, one in enumerate(made))
    if not changed:
        raise DataError(f"none of {counted(len(made), 'image')} is changed")
    return f"of {counted(len(made), 'image')} {changed} changed"


def _described(made: Any) -> str:
    return f"{made.dtype} {list(made.shape)}" if isinstance(made, np.ndarray) else type(made).__name__
