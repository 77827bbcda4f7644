"""EfficientNet-Lite0: the network against an independent forward pass on the published tensors."""

import numpy as np
import pytest

from components.backbones.efficientnet_lite0 import (
    SHA256,
    assign_tensors,
    build_efficientnet_lite0,
    build_with_weights,
    load_checkpoint,
    packaged_weights,
)
from components.backbones.torch_checkpoint import read_checkpoint
from components.network.keras_runtime import keras
from components.step.errors import DataError


@pytest.fixture(scope="module")
def tensors():
    return read_checkpoint(packaged_weights(), SHA256)


@pytest.fixture(scope="module")
def published():
    network = build_efficientnet_lite0(64, classes=1000)
    load_checkpoint(network, packaged_weights())
    return network


def _windows(x, size, stride):
    """Return `[C, h, w, size, size]` windows of `x [C, H, W]`, padded as TensorFlow's `same`: the odd pixel behind."""
    missing = max((-(-x.shape[1] // stride) - 1) * stride + size - x.shape[1], 0)
    padding = (missing // 2, missing - missing // 2)
    padded = np.pad(x, [(0, 0), padding, padding])
    return np.lib.stride_tricks.sliding_window_view(padded, (size, size), (1, 2))[:, ::stride, ::stride]


def _norm(x, t, name, relu=True):
    scale = t[f"{name}.weight"] / np.sqrt(t[f"{name}.running_var"] + 1e-3)
    y = x * scale[:, None, None] + (t[f"{name}.bias"] - t[f"{name}.running_mean"] * scale)[:, None, None]
    return np.clip(y, 0, 6) if relu else y


def _pointwise(x, weight):
    return np.tensordot(weight[:, :, 0, 0], x, 1)


def forward(x, t):
    """Return the logits of `x [3, H, W]` by the checkpoint's own names and layout; written apart from the network."""
    t = {name.replace("_conv.", ".").replace("._", "."): value.astype(np.float64) for name, value in t.items()}
    x = np.einsum("chwij,ocij->ohw", _windows(x, 3, 2), t["_conv_stem.weight"])
    x = _norm(x, t, "_bn0")
    strides = {1: 2, 3: 2, 5: 2, 11: 2}  # MobileNet-like stages begin at these blocks.
    for block in range(16):
        name, shortcut = f"_blocks.{block}", x
        if f"{name}.expand.weight" in t:
            x = _norm(_pointwise(x, t[f"{name}.expand.weight"]), t, f"{name}.bn0")
        kernel = t[f"{name}.depthwise.weight"][:, 0]
        x = np.einsum("chwij,cij->chw", _windows(x, kernel.shape[-1], strides.get(block, 1)), kernel)
        x = _norm(x, t, f"{name}.bn1")
        x = _norm(_pointwise(x, t[f"{name}.project.weight"]), t, f"{name}.bn2", relu=False)
        x = x + shortcut if x.shape == shortcut.shape else x
    x = _norm(_pointwise(x, t["_conv_head.weight"]), t, "_bn1")
    return t["_fc.weight"] @ x.mean((1, 2)) + t["_fc.bias"]


def test_the_logits_are_those_of_an_independent_forward_pass(tensors, published):
    image = np.random.default_rng(0).uniform(-1, 1, (64, 64, 3))
    logits = published.predict_on_batch(image[None].astype(np.float32))[0]
    expected = forward(image.transpose(2, 0, 1), tensors)
    assert expected.std() > 0.5
    np.testing.assert_allclose(logits, expected, atol=2e-4)


def test_without_top_the_features_are_those_below_the_logits(tensors, published):
    _, network = build_with_weights(64, "imagenet")
    image = np.random.default_rng(1).uniform(-1, 1, (1, 64, 64, 3)).astype(np.float32)
    pooled = network.predict_on_batch(image).mean((1, 2))
    logits = pooled @ tensors["_fc.weight"].T + tensors["_fc.bias"]
    np.testing.assert_allclose(logits, published.predict_on_batch(image), atol=2e-4)


def test_pixels_are_scaled_as_in_training():
    [scale], _ = build_with_weights(32, "none")
    pixels = np.array([0, 127, 255], np.uint8).reshape(1, 1, 1, 3)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(scale(pixels)).ravel(), [-127 / 128, 0, 1], atol=1e-6)


def _used(tensors):
    return {name: value for name, value in tensors.items() if not name.endswith("num_batches_tracked")}


@pytest.mark.parametrize(
    ("change", "received"),
    [
        (lambda t: t.pop("_bn0.bias"), "bn0/beta"),
        (lambda t: t.update({"_extra.weight": np.zeros(3)}), "1 tensors left over"),
        (lambda t: t.update({"_fc.bias": np.zeros(999)}), "fc/bias"),
    ],
)
def test_each_tensor_is_used_exactly_once_in_its_shape(tensors, change, received):
    changed = _used(tensors)
    network = build_efficientnet_lite0(32, classes=1000)
    assign_tensors(network, changed)  # As it is, it fits.
    change(changed)
    with pytest.raises(DataError, match=received):
        assign_tensors(network, changed)


def test_a_changed_checkpoint_is_refused(tmp_path):
    path = tmp_path / "efficientnet.pth"
    path.write_bytes(packaged_weights().read_bytes()[:-1] + b"\1")
    with pytest.raises(DataError, match="must have sha256 5793442"):
        build_with_weights(32, str(path))


def test_weights_come_from_a_bucket_as_well(bucket):
    bucket.put({"weights/lite0.pth": packaged_weights().read_bytes()})
    _, fetched = build_with_weights(32, bucket.uri("weights/lite0.pth"))
    _, packaged = build_with_weights(32, "imagenet")
    for one, other in zip(fetched.get_weights(), packaged.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
