"""Augmentation of training images on the device; never used at validation, never part of the saved network.

What happens to a sample is drawn from (seed, phase, epoch, sample), so that neither batch nor interruption changes it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.network.keras_runtime import keras

ops = keras.ops

DRAWS = 7  # Numbers drawn a sample: flip, zoom, two shifts, brightness, contrast, saturation.
MIXUP_ALPHA = 0.2  # Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization", for ImageNet.


@dataclass(frozen=True, slots=True)
class Strength:
    """How far an image is changed, as shares: of its side for `crop`, of its values for the rest."""

    crop: float
    brightness: float
    contrast: float
    saturation: float
    mixup: bool


STRENGTHS = {
    "light": Strength(0.1, 0.1, 0.1, 0.1, mixup=False),
    "strong": Strength(0.3, 0.25, 0.25, 0.4, mixup=True),
}


@dataclass(frozen=True, slots=True)
class Draws:
    """What one epoch draws for each sample: `values` in 0..1 `[N, DRAWS]`, MixUp's share of the partner `[N]`."""

    values: NDArray[np.float32]
    mixup: NDArray[np.float32]


def draw(seed: int, phase: int, epoch: int, samples: int) -> Draws:
    """Return the draws of an epoch for samples 0 to `samples` - 1; row `i` is a function of the seeds and `i`."""
    generator = np.random.default_rng([seed, phase, epoch, 1])
    values = generator.random((samples, DRAWS), np.float32)
    beta = np.random.default_rng([seed, phase, epoch, 2]).beta(MIXUP_ALPHA, MIXUP_ALPHA, samples)
    return Draws(values, np.minimum(beta, 1.0 - beta).astype(np.float32))


def augment_images(images: Any, draws: Any, strength: Strength) -> Any:
    """Return `images`, RGB 0..255 `[N, H, W, 3]`, flipped, cropped and recoloured by `draws` `[N, DRAWS]`, float32."""
    draws = ops.convert_to_tensor(draws)
    images = ops.cast(images, "float32")
    transforms = _flip_and_crop(draws, images.shape[1], images.shape[2], strength.crop)
    moved = ops.image.affine_transform(images, transforms, interpolation="bilinear", fill_mode="reflect")
    return ops.clip(_recoloured(moved, draws, strength), 0.0, 255.0)


def _flip_and_crop(draws: Any, height: int, width: int, crop: float) -> Any:
    """Return affine transforms `[N, 8]` from output to input pixels: one resampling for flip, zoom and shift."""
    sign = ops.where(draws[:, 0] < 0.5, -1.0, 1.0)
    scale = 1.0 - crop * draws[:, 1]
    zero = ops.zeros_like(scale)

    def offset(draw: Any, side: int, slope: Any) -> Any:
        room = (1.0 - scale) * (side - 1) * (draw - 0.5)
        return (1.0 - slope) * (side - 1) / 2 + room

    x = offset(draws[:, 2], width, sign * scale)
    y = offset(draws[:, 3], height, scale)
    return ops.stack([sign * scale, zero, x, zero, scale, y, zero, zero], axis=1)


def _recoloured(images: Any, draws: Any, strength: Strength) -> Any:
    def factor(column: int, share: float) -> Any:
        return ops.reshape(1.0 + share * (2.0 * draws[:, column] - 1.0), (-1, 1, 1, 1))

    grey = ops.mean(images, axis=-1, keepdims=True)
    images = grey + (images - grey) * factor(6, strength.saturation)
    mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
    return (mean + (images - mean) * factor(5, strength.contrast)) * factor(4, strength.brightness)


def mix(values: Any, shares: Any) -> Any:
    """Return each of `values` `[N, ...]` mixed with its mirror in the batch, which counts `shares` `[N]` (MixUp)."""
    values = ops.convert_to_tensor(values)
    shares = ops.reshape(ops.convert_to_tensor(shares), (-1, *[1] * (len(values.shape) - 1)))
    return values * (1.0 - shares) + ops.flip(values, axis=0) * shares
