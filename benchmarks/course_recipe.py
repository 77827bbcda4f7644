"""The course's training in our own words, the baseline: `python -m benchmarks.course_recipe FOLDER [pooled]`.

FOLDER holds train|evaluate|test/<label>/. Every epoch decodes every image again in one thread and runs VGG16 over it.
With `pooled` the head is ours, so that nothing but the way of training differs; else it is the course's own.
The network's weights are random, which costs the same time; the course's plot of the curves is left out.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from components.network.keras_runtime import keras
from components.train.head import build_head

IMAGE_SIZE, BATCH_SIZE, EPOCHS = (224, 224), 64, 4
MEAN = [123.68, 116.779, 103.939]


def main(folder: Path, head: str = "course") -> None:
    """Train on train/, watch evaluate/ after each epoch, evaluate on test/, save."""
    train, watched, held_out = (_flow(folder / part, part == "train") for part in ("train", "evaluate", "test"))
    network = build_network(classes=3, head=head)
    network.fit(train, epochs=EPOCHS, validation_data=watched, verbose=2)
    network.evaluate(held_out, verbose=2)
    network.save(folder / "model.keras")


def build_network(classes: int, head: str = "course") -> "keras.Model":
    """Return frozen VGG16 with the course's head on it, or with ours, compiled."""
    backbone = keras.applications.VGG16(include_top=False, weights=None, input_shape=(*IMAGE_SIZE, 3))
    backbone.trainable = False
    outputs = (_pooled_head if head == "pooled" else _course_head)(backbone.output, classes)
    network = keras.Model(backbone.input, outputs)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=head != "pooled")
    network.compile(keras.optimizers.Adam(), loss, metrics=["accuracy"])
    return network


def _course_head(x: Any, classes: int) -> Any:
    x = keras.layers.Flatten()(keras.layers.Dropout(0.2)(x))
    x = keras.layers.Dense(64, activation="relu", kernel_initializer="he_uniform")(x)
    return keras.layers.Dense(classes, activation="sigmoid")(x)


def _pooled_head(x: Any, classes: int) -> Any:
    x = keras.layers.GlobalAveragePooling2D()(x)
    return build_head(np.zeros((1, x.shape[-1]), np.float32), classes, 0)(x)


def _flow(folder: Path, shuffle: bool) -> object:
    # Where Keras 3 keeps what the course took from keras.preprocessing.image.
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    generator = ImageDataGenerator(featurewise_center=True)
    generator.mean = MEAN
    options = {"target_size": IMAGE_SIZE, "class_mode": "binary", "batch_size": BATCH_SIZE, "shuffle": shuffle}
    return generator.flow_from_directory(str(folder), **options)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
