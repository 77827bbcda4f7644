"""Pack the sample: the first 40 training images of each Fashion-MNIST class as PNG files in one archive.

The argument is the folder of the original files, which Debian's package dataset-fashion-mnist installs:

    python -m pipeline.sample.pack_fashion_mnist /usr/share/datasets/fashion-mnist

With the locked requirements the archive comes out byte for byte. Fashion-MNIST: Copyright 2017 Zalando SE, MIT licence.
"""

import gzip
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.sample.photos import ARCHIVE, CLASS_NAMES, IMAGES_PER_CLASS, image_name

EPOCH = (1980, 1, 1, 0, 0, 0)


def pack(source: Path, target: Path) -> None:
    """Write the archive `target` from the training files in `source`, in MNIST's idx format."""
    labels = _content(source / "train-labels-idx1-ubyte.gz", header=8)
    images = _content(source / "train-images-idx3-ubyte.gz", header=16).reshape(-1, 28, 28)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for number, class_name in enumerate(CLASS_NAMES):
            for index, position in enumerate(np.flatnonzero(labels == number)[:IMAGES_PER_CLASS]):
                archive.writestr(zipfile.ZipInfo(image_name(class_name, index), EPOCH), _png(images[position]))


def _content(file: Path, header: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.frombuffer(gzip.decompress(file.read_bytes()), np.uint8, offset=header)


def _png(pixels: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


if __name__ == "__main__":
    pack(Path(sys.argv[1]), ARCHIVE)
