"""Conformance of a backbone or a preprocessing: whether it can be trained, saved, exported, repeated, before a run."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from components.backbones.by_name import Backbone, build_feature_extractor
from components.backbones.of_users import user_preprocessing
from components.bundle.golden import TOLERANCE
from components.bundle.reader import run_network
from components.bundle.writer import save_network
from components.network.classifier import join
from components.network.keras_runtime import keras
from components.onnx_twin.export import export_onnx, run_onnx
from components.parameters.networks import NONE
from components.step.errors import DataError
from components.step.files import scratch_folder
from components.step.findings import Finding, finding, findings

CLASSES = 3
IMAGES = 4
SEED = 0


def check_backbone(backbone: Backbone, image_size: int) -> Iterator[Finding]:
    """Yield what each rule finds, as it is found, for `backbone` with random weights or those its build gives it.

    Args:
        backbone: from `backbones.find_backbone`.
        image_size: pixels a side; 0 stands for the backbone's own.

    Raises:
        UsageError: the network cannot be built for that size.
    """
    network = _build(backbone, image_size)
    yield _told(network)
    yield from findings(_rules(network, lambda: _build(backbone, image_size)))
    yield finding("trainable", lambda: _check_trainable(network, backbone.trained_from_scratch))


def check_preprocessing(name: str, image_size: int) -> Iterator[Finding]:
    """Yield what each rule finds, as it is found, for the preprocessing called `name` at `image_size` pixels a side.

    Raises:
        UsageError: there is none, or it cannot be built for that size.
    """
    network = _preprocessed(name, image_size)
    yield _told(network)
    yield from findings(_rules(network, lambda: _preprocessed(name, image_size)))


def _told(network: "keras.Model") -> Finding:
    return Finding("built", True, f"{network.count_params():,} weights, {network.input_shape[1]} pixels a side")


def _rules(network: "keras.Model", build_again: Callable[[], "keras.Model"]) -> dict[str, Callable[[], str]]:
    return {
        "input and output": lambda: _check_outputs(network),
        "deterministic": lambda: _check_repeats(network, build_again()),
        "only Keras layers": lambda: _check_layers(network),
        "saved and loaded": lambda: _check_saved(network),
        "exported to ONNX": lambda: _check_exported(network),
    }


def _preprocessed(name: str, image_size: int) -> "keras.Model":
    keras.utils.set_random_seed(SEED)
    inputs = x = keras.Input((image_size, image_size, 3), dtype="uint8", name="image")
    for layer in user_preprocessing(name, image_size):
        x = layer(x)
    return keras.Model(inputs, x, name="preprocessing")


def _build(backbone: Backbone, image_size: int) -> "keras.Model":
    keras.utils.set_random_seed(SEED)
    return build_feature_extractor(backbone, image_size, NONE)


def _images(network: "keras.Model") -> NDArray[np.uint8]:
    shape = (IMAGES, *network.input_shape[1:])
    return np.random.default_rng(SEED).integers(0, 256, shape, dtype=np.uint8)


def _check_outputs(network: "keras.Model") -> str:
    images = _images(network)
    found = run_network(network, images)
    if not np.isfinite(found).all():
        raise DataError("features of random images are not all finite")
    if np.ptp(found, axis=0).max() == 0:
        raise DataError("different images give the same features")
    alone = np.concatenate([run_network(network, image[None]) for image in images])
    _same("an image alone and in a batch", found, alone)
    return f"uint8 {_shape(network.input_shape)} to {found.dtype} {_shape(network.output_shape)}"


def _check_repeats(network: "keras.Model", again: "keras.Model") -> str:
    images = _images(network)
    first = run_network(network, images)
    if not np.array_equal(first, run_network(network, images)):
        raise DataError("the same images twice give different outputs: is dropout or noise on outside training?")
    if not all(np.array_equal(one, two) for one, two in zip(network.get_weights(), again.get_weights(), strict=True)):
        raise DataError("built twice from one seed it has different weights: use Keras's initializers")
    _same("two builds from one seed", first, run_network(again, images))
    return "same seed, same weights; same images, same outputs"


def _check_layers(network: "keras.Model") -> str:
    own = sorted({type(layer).__name__ for layer in _layers(network) if not _is_kerass(layer)})
    if own:
        raise DataError(f"{', '.join(own)}: a bundle is loaded without your code, so use Keras's own layers")
    return "a bundle of it loads without your code"


def _layers(network: "keras.Model") -> Iterator["keras.Layer"]:
    for layer in network.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from _layers(layer)


def _is_kerass(layer: "keras.Layer") -> bool:
    return type(layer).__module__.split(".")[0] == "keras" and not isinstance(layer, keras.layers.Lambda)


def _check_saved(network: "keras.Model") -> str:
    with scratch_folder() as folder:
        path = folder / "network.keras"
        save_network(network, path)
        loaded = keras.models.load_model(path, compile=False, safe_mode=True)
        size = path.stat().st_size
    images = _images(network)
    _same("saved and loaded", run_network(network, images), run_network(loaded, images))
    return f"same outputs, {size / 1e6:.1f} MB"


def _check_exported(network: "keras.Model") -> str:
    images = _images(network)
    with scratch_folder() as folder:
        path = folder / "network.onnx"
        export_onnx(network, path)
        exported = run_onnx(path, images)
    return f"off by {_same('ONNX', run_network(network, images), exported):.1g} at most"


def _check_trainable(network: "keras.Model", whole: bool) -> str:
    """Take one step of training; last of the rules, because it changes the weights."""
    if not whole:
        # Frozen so far; each layer by itself, as Keras does not pass the flag on from a model of models.
        for layer in network.layers:
            layer.trainable = True
    before = [np.copy(keras.ops.convert_to_numpy(weight)) for weight in network.trainable_weights]
    loss = _train_step(network)
    moved = sum(
        not np.array_equal(old, keras.ops.convert_to_numpy(weight))
        for old, weight in zip(before, network.trainable_weights, strict=True)
    )
    if not moved or not np.isfinite(loss):
        raise DataError(f"one step of training moves {moved} of {len(before)} weight arrays, loss {loss:.3g}")
    how = "trained whole from scratch" if whole else "frozen until fine-tuning"
    return f"{how}; a step moves {moved} of {len(before)} weight arrays"


def _train_step(network: "keras.Model") -> float:
    head = keras.Sequential([keras.Input(network.output_shape[1:]), keras.layers.Dense(CLASSES, "softmax")])
    classifier = join(network, head)
    classifier.compile(keras.optimizers.Adam(), "sparse_categorical_crossentropy", jit_compile=False)
    return float(classifier.train_on_batch(_images(network), np.arange(IMAGES) % CLASSES))


def _same(what: str, one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return the largest difference, relative to the largest value where that is above 1."""
    difference = float(np.abs(one - other).max() / max(1.0, float(np.abs(one).max())))
    if not difference <= TOLERANCE:
        raise DataError(f"{what}: outputs differ by {difference:.2g}, more than {TOLERANCE}")
    return difference


def _shape(shape: tuple[int | None, ...]) -> str:
    return f"[{', '.join('N' if side is None else str(side) for side in shape)}]"
