"""Functions as users may name them as their backbones, good and bad ones, never called; and an augmentation."""

import functools
from typing import Any


def build(image_size: int) -> Any:
    return image_size


def of_a_size(size: int = 96) -> Any:
    return size


def with_options(image_size: int = 64, width: int = 8) -> Any:
    return image_size, width


class Network:
    def __init__(self, side: int) -> None:
        self.side = side


narrow = functools.partial(with_options, width=4)
narrow.image_size = 32  # type: ignore[attr-defined]  # As the contract has it.
large = functools.partial(build)
large.image_size, large.minimum_size, large.trained_from_scratch = 64, 48, False  # type: ignore[attr-defined]


def no_size() -> Any:
    return None


def two(image_size: int, classes: int) -> Any:
    return image_size, classes


def with_defaults(include_top: bool = True, weights: str = "imagenet") -> Any:
    return include_top, weights


def odd(image_size: int) -> Any:
    return image_size


odd.image_size = "224"  # type: ignore[attr-defined]
number = 3


def __getattr__(name: str) -> Any:
    raise RuntimeError(f"no {name} today")


def flipped(image: Any, random: Any) -> Any:
    """Be an augmentation; the one that is called."""
    return image[:, ::-1].copy() if random.random() < 0.5 else image
