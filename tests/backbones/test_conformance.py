"""Conformance of backbones, a user's own among them: kept rules, broken rules, and errors in one line."""

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from components.backbones.by_name import build_feature_extractor, find_backbone
from components.backbones.conformance import check_backbone
from components.network.keras_runtime import keras
from components.parameters.networks import backbone_names
from components.step.errors import DataError, UsageError
from pipeline.cli.main import main
from tests.support.own_modules import own_module

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "backbones.md").read_text(encoding="utf-8")
RULES = re.findall(r"^\| ([\w ]+) \|", DOCUMENT.partition("## The conformance check")[2], re.MULTILINE)[1:]

NETWORKS = """
import keras
from keras import layers


def plain(image_size):  # Its pixels unscaled: outputs in the hundreds.
    return keras.Sequential([keras.Input((image_size, image_size, 3)), layers.Conv2D(4, 3)])


def loaded(image_size):
    return plain(image_size)


loaded.trained_from_scratch = False


def pixels(image_size):
    inputs = keras.Input((image_size, image_size, 3), dtype="uint8")
    return keras.Model(inputs, layers.Flatten()(layers.Rescaling(1 / 255)(inputs)))


class Noise(layers.Layer):
    def call(self, x):
        return x + keras.random.uniform(())


def noisy(image_size):
    inputs = keras.Input((image_size, image_size, 3))
    return keras.Model(inputs, Noise()(layers.Conv2D(4, 3, trainable=False)(inputs)))


def constant(image_size):
    inputs = keras.Input((image_size, image_size, 3))
    return keras.Model(inputs, layers.Conv2D(4, 3, kernel_initializer="zeros")(inputs))


def broken(image_size):
    return 1 // 0


def no_model(image_size):
    return 5


def other_shape(image_size):
    return keras.Sequential([keras.Input((image_size + 1, image_size, 3)), layers.Conv2D(4, 3)])


def no_features(image_size):
    return keras.Sequential([keras.Input((image_size, image_size, 3)), layers.Reshape((-1, 3))])


def odd_size(image_size):
    return plain(image_size)


odd_size.image_size = "224"
nothing = 5
"""


@pytest.fixture
def networks(tmp_path, monkeypatch):
    """A module of the user's where Python finds it; returns its name, another in each test."""
    with own_module("networks", NETWORKS, tmp_path, monkeypatch) as name:
        yield name


def broken_rules(name: str, size: int) -> dict[str, str]:
    return {f.rule: f.found for f in check_backbone(find_backbone(name), size) if not f.kept}


@pytest.mark.parametrize("name", ["small_cnn", "mobilenet"])
def test_backbones_of_ours_keep_every_rule_and_the_document_names_them(name):
    found = list(check_backbone(find_backbone(name), 32))
    assert [f.rule for f in found] == RULES
    assert [f for f in found if not f.kept] == []


def test_the_example_of_the_document_keeps_every_rule(tmp_path, monkeypatch):
    [example] = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    (tmp_path / "my_networks.py").write_text(example)
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        backbone = find_backbone("my_networks:build")
        assert (backbone.name, backbone.image_size, backbone.minimum_size) == ("my_networks:build", 48, 1)
        assert broken_rules("my_networks:build", 0) == {}
        assert build_feature_extractor(backbone, 0, "imagenet").output_shape == (None, 32)
    finally:
        sys.modules.pop("my_networks", None)


def test_a_network_that_breaks_rules_is_told_each(networks):
    found = broken_rules(f"{networks}:noisy", 12)
    assert "outside training" in found["deterministic"]
    assert found["only Keras layers"].startswith("Noise: a bundle is loaded without your code")
    assert {"input and output", "saved and loaded", "trainable"} <= found.keys()


def test_a_network_that_sees_nothing_is_told_so(networks):
    assert broken_rules(f"{networks}:constant", 12)["input and output"] == "different images give the same features"


def test_only_what_is_pretrained_is_frozen(networks):
    for name, from_scratch in ((f"{networks}:plain", True), (f"{networks}:loaded", False), ("small_cnn", True)):
        backbone = find_backbone(name)
        assert backbone.trained_from_scratch == from_scratch
        assert bool(build_feature_extractor(backbone, 16, "imagenet").trainable_weights) == from_scratch


def test_pixels_reach_a_network_of_bytes_and_flat_features_are_taken_as_they_are(networks):
    extractor = build_feature_extractor(find_backbone(f"{networks}:pixels"), 4, "none")
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
    found = keras.ops.convert_to_numpy(extractor(pixels))
    np.testing.assert_allclose(found, pixels.reshape(2, -1) / 255, atol=1e-6)


def test_weights_of_a_users_network_come_from_a_file(networks, tmp_path):
    keras.utils.set_random_seed(5)
    network = sys.modules[networks].plain(16) if networks in sys.modules else __import__(networks).plain(16)
    network.save_weights(tmp_path / "mine.weights.h5")
    built = build_feature_extractor(find_backbone(f"{networks}:plain"), 16, str(tmp_path / "mine.weights.h5"))
    for one, other in zip(built.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_another_networks_weights_are_refused(networks, tmp_path):
    build_feature_extractor(find_backbone("small_cnn"), 16, "none").save_weights(tmp_path / "mine.weights.h5")
    with pytest.raises(DataError, match="The weights must be those of"):
        build_feature_extractor(find_backbone(f"{networks}:plain"), 16, str(tmp_path / "mine.weights.h5"))


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("broken", r"ZeroDivisionError: .*networks_of_\w+\.py, line \d+\)"),
        ("no_model", "must give a keras.Model. Received: .*: int"),
        ("other_shape", r"input shape \(None, 16, 16, 3\)\. Received: .*\(None, 17, 16, 3\)"),
        ("no_features", r"features of shape \[N, D\] or \[N, h, w, D\]"),
        ("odd_size", "image_size must be a positive integer. Received: .*image_size='224'"),
        ("nothing", "must be a function build"),
        ("absent", "has no attribute 'absent'"),
    ],
)
def test_a_function_that_cannot_be_used_is_one_line(networks, function, said):
    with pytest.raises(UsageError, match=said) as refused:
        build_feature_extractor(find_backbone(f"{networks}:{function}"), 16, "none")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["a:b:c", ":", "no_such_module_at_all:build", "os.path;x:y", "../x:y"])
def test_a_reference_that_leads_nowhere_is_one_line(name):
    with pytest.raises(UsageError, match="backbone"):
        find_backbone(name)


@pytest.fixture
def installed(tmp_path, networks, monkeypatch):
    """Entry points of an installed package."""
    lines = [f"mine = {networks}:plain", "gone = no_such_module_at_all:build", f"vgg16 = {networks}:broken"]
    package = tmp_path / "mine-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[pawline.backbones]\n" + "\n".join(lines))
    importlib.invalidate_caches()
    return networks


def test_installed_backbones_are_listed_and_found_and_take_no_name_of_ours(installed):
    assert {"mine", "gone", "small_cnn"} <= set(backbone_names())
    assert len(backbone_names()) == len(set(backbone_names()))
    assert build_feature_extractor(find_backbone("mine"), 16, "none").output_shape == (None, 4)
    assert find_backbone("vgg16").trained_from_scratch is False
    with pytest.raises(UsageError, match=r"must be importable .* gone: ModuleNotFoundError"):
        find_backbone("gone")


def test_the_command_lists_names_shows_a_table_and_ends_with_an_exit_code(networks, capsys):
    assert main(["check-backbone"]) == 0
    assert "small_cnn" in capsys.readouterr().out.splitlines()
    assert main(["check-backbone", f"{networks}:plain", "--image-size", "12"]) == 0
    printed = capsys.readouterr()
    assert [rule for rule in RULES if rule not in printed.out] == []
    assert printed.err == ""
    assert main(["check-backbone", f"{networks}:noisy", "--image-size", "12"]) == 1
    assert capsys.readouterr().err.startswith("pawline: error: A backbone must keep every rule. Received: ")
    for arguments in (["smal_cnn"], ["small_cnn", "--image-size", "7"], [f"{networks}:broken"]):
        assert main(["check-backbone", *arguments]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_a_name_is_never_markup(capsys):
    assert main(["check-backbone", "[bold]x[/bold]"]) == 2
    assert "[bold]x[/bold]" in capsys.readouterr().err
