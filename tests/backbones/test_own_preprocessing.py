"""A user's own preprocessing: part of the network, frozen with it, and each mistake in one line."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from components.backbones.by_name import build_feature_extractor, find_backbone
from components.backbones.conformance import check_preprocessing
from components.bundle.reader import load_bundle, run_network
from components.network.variables import leaf_layers, moving_variables
from components.step.errors import UsageError
from components.train.fine_tuning import unfreeze
from components.train.step import main as train
from pipeline.cli.main import main
from tests.support.own_modules import own_module
from tests.support.shades import step_arguments, write_shades

PAGE = (Path(__file__).parents[2] / "docs" / "extensions.md").read_text(encoding="utf-8")

LAYERS = """
import keras
from keras import layers


def _model(image_size, *parts):
    return keras.Sequential([keras.Input((image_size, image_size, 3)), *parts])


def inverted(image_size):
    return _model(image_size, layers.Rescaling(-1.0, offset=255.0), layers.Conv2D(3, 1, padding="same", name="mixed"))


def smaller(image_size):
    return _model(image_size, layers.MaxPooling2D())


def grey(image_size):
    return _model(image_size, layers.Conv2D(1, 1))


def no_model(image_size):
    return 5


def raising(image_size):
    return {}["absent"]


def nan(image_size):
    return _model(image_size, layers.Rescaling(float("nan")))


class Own(layers.Layer):
    def call(self, x):
        return x * 0.5


def own_layer(image_size):
    return _model(image_size, Own())


class Noise(layers.Layer):
    def call(self, x):
        return x + keras.random.uniform(())


def noisy(image_size):
    return _model(image_size, Noise())


def uint8_backbone(image_size):
    inputs = keras.Input((image_size, image_size, 3), dtype="uint8")
    return keras.Model(inputs, layers.Flatten()(layers.Rescaling(1 / 255)(inputs)))
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module of the user's where Python finds it; its name, another in each test."""
    with own_module("layers", LAYERS, tmp_path, monkeypatch) as name:
        yield name


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("smaller", "must give images of shape (None, 8, 8, 3). Received: --preprocessing {name}: (None, 4, 4, 3)"),
        ("grey", "(None, 8, 8, 1)"),
        ("no_model", "A preprocessing must give a keras.Model. Received: --preprocessing {name}: int"),
        ("raising", "KeyError: 'absent'"),
    ],
)
def test_what_is_no_preprocessing_is_refused_in_one_line(module, function, said):
    name = f"{module}:{function}"
    with pytest.raises(UsageError) as refused:
        list(check_preprocessing(name, 8))
    assert said.format(name=name) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("function", "rule", "said"),
    [
        ("nan", "input and output", "not all finite"),
        ("own_layer", "only Keras layers", "Own: a bundle is loaded without your code"),
        ("noisy", "deterministic", "different outputs"),
    ],
)
def test_each_mistake_is_the_rule_that_it_breaks(module, function, rule, said):
    broken = {one.rule: one.found for one in check_preprocessing(f"{module}:{function}", 8) if not one.kept}
    assert said in broken[rule]


def test_it_is_before_the_backbone_and_frozen_with_it(module):
    backbone, name = find_backbone("mobilenet"), f"{module}:inverted"
    extractor = build_feature_extractor(backbone, 32, "none", name)
    assert moving_variables(extractor) == []
    assert unfreeze(extractor, 10_000) > 20
    assert not any(layer.trainable for layer in leaf_layers(extractor) if layer.name == "mixed")
    whole = build_feature_extractor(find_backbone("small_cnn"), 32, "none", name)
    assert any(layer.trainable for layer in leaf_layers(whole) if layer.name == "mixed")


def test_a_backbone_that_takes_bytes_is_refused_behind_it(module):
    with pytest.raises(UsageError, match="must take pixels as float32"):
        build_feature_extractor(find_backbone(f"{module}:uint8_backbone"), 8, "none", f"{module}:inverted")


def test_a_bundle_has_it_and_is_read_without_the_module(module, tmp_path, monkeypatch, capsys):
    shades = write_shades(tmp_path / "data")
    options = {"backbone": "small_cnn", "image_size": 24, "epochs": 2, "preprocessing": f"{module}:inverted"}
    assert train(step_arguments(shades, tmp_path / "out", **options)) == 0
    sys.modules.pop(module)
    (tmp_path / f"{module}.py").unlink()
    bundle = load_bundle(tmp_path / "out" / "bundle")
    assert bundle.manifest.training["preprocessing"] == f"{module}:inverted"
    assert "mixed" in [layer.name for layer in leaf_layers(bundle.network)]
    images = np.random.default_rng(0).integers(0, 256, (2, 24, 24, 3), dtype=np.uint8)
    assert run_network(bundle.network, images).shape == (2, 3)


def test_train_refuses_what_breaks_a_rule_before_it_trains(module, tmp_path, capsys):
    shades = write_shades(tmp_path / "data")
    options = {"backbone": "small_cnn", "preprocessing": f"{module}:own_layer"}
    assert train(step_arguments(shades, tmp_path / "out", **options)) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert f"A preprocessing must keep every rule. Received: --preprocessing {module}:own_layer: only Keras" in said
    assert not (tmp_path / "out" / "bundle").exists()


def test_the_example_of_the_document_keeps_every_rule(tmp_path, monkeypatch, capsys):
    [example] = [code for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "import keras" in code]
    (tmp_path / "layers_of_mine.py").write_text(example)
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        [command] = re.findall(r"^pawline (check-preprocessing .*)$", PAGE, re.MULTILINE)
        assert main(command.split()) == 0
    finally:
        sys.modules.pop("layers_of_mine", None)
    assert capsys.readouterr().out.count("yes") == 6
