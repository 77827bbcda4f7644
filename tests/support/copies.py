"""Pictures with details, and what people make of a picture that stays the same one all the same."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance

Picture = Image.Image


def photo(seed: int, size: tuple[int, int] = (96, 72)) -> Picture:
    """Return what has light and dark areas and ever finer details, as a photo has."""
    random, width, height = np.random.default_rng(seed), *size
    layers = np.zeros((height, width, 3))
    for cells in (3, 6, 12, 24):
        noise = random.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        layers += np.asarray(Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC), float)
    return Image.fromarray((layers / 4).astype(np.uint8))


def jpeg(picture: Picture, quality: int) -> Picture:
    """Return `picture` compressed and decoded again."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def cropped(picture: Picture, left: float, upper: float, right: float, lower: float) -> Picture:
    """Return `picture` without these shares of its sides."""
    width, height = picture.size
    return picture.crop(
        (round(left * width), round(upper * height), round((1 - right) * width), round((1 - lower) * height))
    )


COPIES: dict[str, Callable[[Picture], Picture]] = {
    "the same": lambda p: p,
    "quality 90": lambda p: jpeg(p, 90),
    "quality 50": lambda p: jpeg(p, 50),
    "half as large": lambda p: p.resize((p.width // 2, p.height // 2), Image.Resampling.LANCZOS),
    "twice as large": lambda p: p.resize((p.width * 2, p.height * 2), Image.Resampling.BICUBIC),
    "brighter": lambda p: ImageEnhance.Brightness(p).enhance(1.15),
    "less contrast": lambda p: ImageEnhance.Contrast(p).enhance(0.8),
    "cropped": lambda p: cropped(p, 0.03, 0.03, 0.03, 0.03),
    "cropped on two sides": lambda p: cropped(p, 0.05, 0.0, 0.0, 0.05),
}
