"""Verification of bundles: a whole one passes, every problem of a damaged one is told, code is never run."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from components.bundle.manifest import Provenance, read_manifest, sha256_of
from components.bundle.verification import verify_bundle
from components.bundle.writer import save_bundle, save_network
from components.network.keras_runtime import keras
from pipeline.cli.main import main
from tests.support.patience import PATIENCE
from tests.support.sealed_files import seal_again

ROOT = Path(__file__).parents[2]
PIXELS = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
PROVENANCE = Provenance(["cat", "dog"], 8, "mine", "none", "f" * 64, 3, {"epochs": 2}, {"validation_loss": 0.5})
SEALED = ["golden.npz", "model.keras", "model.onnx"]


def network(seed: int) -> keras.Model:
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((8, 8, 3), dtype="uint8", name="image")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 64, -2.0)(inputs))
    return keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x), name="classifier")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Two bundles of different networks."""
    folder = tmp_path_factory.mktemp("bundles")
    for seed in (0, 1):
        save_bundle(folder / str(seed), network(seed), PIXELS, PROVENANCE)
    return folder


@pytest.fixture
def bundle(whole, tmp_path):
    return Path(shutil.copytree(whole / "0", tmp_path / "bundle"))


def spoil(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def seal_files_again(bundle: Path) -> None:
    files = {name: sha256_of(bundle / name) for name in read_manifest(bundle).files}
    seal_again(bundle / "bundle.json", lambda values: values | {"files": files})


def test_a_whole_bundle_has_no_problem(bundle):
    assert verify_bundle(bundle) == verify_bundle(bundle, onnx_only=True) == []


@pytest.mark.parametrize("names", [["model.onnx"], ["model.keras", "golden.npz"], SEALED])
@pytest.mark.parametrize("damage", [spoil, Path.unlink], ids=["changed", "missing"])
def test_each_damaged_file_is_told(bundle, names, damage):
    for name in names:
        damage(bundle / name)
    problems = verify_bundle(bundle)
    assert sorted(name for problem in problems for name in SEALED if f"/{name}:" in problem) == sorted(names)
    assert len(problems) == len(names)


def test_a_damaged_network_does_not_hide_another_that_gives_wrong_outputs(bundle, whole):
    shutil.copy(whole / "1" / "model.onnx", bundle)
    seal_files_again(bundle)
    spoil(bundle / "model.keras")
    first, second = verify_bundle(bundle)
    assert "model.keras: sha256" in first
    assert "Received: model.onnx off by 0." in second


def test_both_networks_are_run(bundle, whole):
    for name in ("model.onnx", "model.keras"):
        shutil.copy(whole / "1" / name, bundle)
    seal_files_again(bundle)
    assert [problem.partition("Received: ")[2].split()[0] for problem in verify_bundle(bundle)] == [
        "model.onnx",
        "model.keras",
    ]
    assert len(verify_bundle(bundle, onnx_only=True)) == 1


@pytest.mark.parametrize("content", [b"", b"no network", b"\x08\x07"])
def test_files_that_are_no_networks_are_told(bundle, content):
    for name in ("model.onnx", "model.keras"):
        (bundle / name).write_bytes(content)
    seal_files_again(bundle)
    problems = verify_bundle(bundle)
    assert [name for name in ("model.onnx", "model.keras") if not any(name in problem for problem in problems)] == []
    assert not any("\n" in problem for problem in problems)


@pytest.mark.parametrize(
    ("images", "probabilities"),
    [
        (PIXELS[:0], np.zeros((0, 2), "f4")),
        (PIXELS.astype("f4"), np.zeros((4, 2), "f4")),
        (PIXELS[:, :4], np.zeros((4, 2), "f4")),
        (PIXELS, np.zeros((4, 3), "f4")),
        (PIXELS, np.full((4, 2), np.nan, "f4")),
        (np.zeros((), "u1"), np.zeros((), "f4")),
    ],
)
def test_golden_examples_that_prove_nothing_are_told(bundle, images, probabilities):
    np.savez(bundle / "golden.npz", images=images, probabilities=probabilities)
    seal_files_again(bundle)
    [problem] = verify_bundle(bundle)
    assert "golden.npz" in problem


def test_a_folder_without_manifest_is_told_with_what_else_is_missing(bundle, tmp_path):
    (bundle / "bundle.json").unlink()
    (bundle / "model.onnx").unlink()
    manifest, onnx = verify_bundle(bundle)
    assert "bundle.json: No such file" in manifest
    assert onnx.endswith("model.onnx. Train again.")
    assert len(verify_bundle(tmp_path / "absent")) == 1


def test_a_network_of_another_digest_is_never_loaded(bundle, monkeypatch):
    save_network(network(1), bundle / "model.keras")
    monkeypatch.setattr(keras.models, "load_model", lambda *_, **__: pytest.fail("loaded"))
    assert len(verify_bundle(bundle)) == 1


def test_the_command_prints_a_line_each_and_ends_with_1(bundle, capsys):
    assert main(["verify", str(bundle)]) == 0
    assert "are as they must be" in capsys.readouterr().out
    for name in SEALED:
        spoil(bundle / name)
    assert main(["verify", str(bundle), "--onnx-only"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["pawline verify"] * 3 + ["pawline"]
    assert lines[-1].endswith("problems=3.")


def test_onnx_only_imports_no_tensorflow(bundle):
    code = (
        "import sys; from pipeline.cli.main import main\n"
        f"assert main(['verify', '--onnx-only', {str(bundle)!r}]) == 0\n"
        "assert not {'keras', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=PATIENCE)
