"""Features for TensorBoard's projector: vectors, labels and thumbnails as the plain files it reads."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from components.step.files import atomic_write, write_text

MOST = 2000  # The projector shows no more in a browser at ease; the sprite stays below its 8192 pixels a side.
THUMBNAIL = 48


def write_embeddings(
    folder: Path, pixels: NDArray[np.uint8], features: NDArray[np.float32], labels: Sequence[str]
) -> None:
    """Write `projector_config.pbtxt`, last, and what it names into `folder`.

    Args:
        folder: TensorBoard's log folder.
        pixels: uint8 `[N, H, W, 3]`; the first 2000 are written.
        features: float32 `[N, D]`.
        labels: N of them.

    Raises:
        ServiceError: `folder` cannot be written.
    """
    count = min(len(labels), MOST)
    with atomic_write(folder / "embeddings.tsv") as path:
        np.savetxt(path, features[:count], fmt="%.5g", delimiter="\t")
    write_text(folder / "labels.tsv", "".join(" ".join(label.split()) + "\n" for label in labels[:count]))
    with atomic_write(folder / "thumbnails.png") as path:
        path.write_bytes(png(_sprite(pixels[:count])))
    write_text(folder / "projector_config.pbtxt", _configuration())


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return `pixels`, uint8 RGB `[H, W, 3]`, as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _sprite(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return thumbnails row by row in a square, which is how the projector finds the one of each vector."""
    side = max(1, int(np.ceil(np.sqrt(len(pixels)))))
    sprite = np.full((side * THUMBNAIL, side * THUMBNAIL, 3), 255, np.uint8)
    for number, image in enumerate(pixels):
        top, left = (THUMBNAIL * place for place in divmod(number, side))
        thumbnail = Image.fromarray(image).resize((THUMBNAIL, THUMBNAIL))
        sprite[top : top + THUMBNAIL, left : left + THUMBNAIL] = np.asarray(thumbnail)
    return sprite


def _configuration() -> str:
    from google.protobuf.text_format import MessageToString
    from tensorboard.plugins.projector.projector_config_pb2 import EmbeddingInfo, ProjectorConfig, SpriteMetadata

    sprite = SpriteMetadata(image_path="thumbnails.png", single_image_dim=[THUMBNAIL, THUMBNAIL])
    embedding = EmbeddingInfo(
        tensor_name="validation features", tensor_path="embeddings.tsv", metadata_path="labels.tsv", sprite=sprite
    )
    return str(MessageToString(ProjectorConfig(embeddings=[embedding])))
