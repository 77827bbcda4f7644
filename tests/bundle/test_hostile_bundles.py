"""Hostile bundles: whatever is in one, each of its readers ends in one line, in bounded memory, and none hangs."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.bundle.boundary import sound
from components.bundle.manifest import MANIFEST, NETWORK, ONNX_NETWORK, SEALED
from components.bundle.mlflow_loader import BundleModel
from components.bundle.reader import load_bundle
from components.bundle.verification import verify_bundle
from components.bundle.writer import save_bundle
from components.inference.model import load_model
from components.network.keras_runtime import keras
from components.step.errors import DataError, ServiceError
from tests.bundle.test_bundle import PIXELS, PROVENANCE, small_network
from tests.support.hostile_bundles import Hostile, hostile_bundles, seal
from tests.support.patience import PATIENCE

ROOT = Path(__file__).parents[2]
MAX_GROWTH_MIB = 200


def _verified(bundle: Path) -> None:
    if problems := verify_bundle(bundle):
        raise DataError(problems[0])


# Each reader, and the network it runs.
READERS: list[tuple[Callable[[Path], object], str]] = [
    (load_bundle, NETWORK),
    (_verified, ""),
    (BundleModel, ONNX_NETWORK),
    (lambda bundle: load_model(bundle, "classifier", "", 1), ONNX_NETWORK),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    save_bundle(folder / "bundle", small_network(), PIXELS[:4], PROVENANCE)
    return folder / "bundle"


def refused(read: Callable[[Path], object], bundle: Path) -> bool:
    """Tell whether `read` refuses `bundle`; anything but one line fails."""
    said = ""
    try:
        read(bundle)
    except DataError as error:
        said = str(error)
    assert said.isprintable()
    assert len(said) < 2000
    return bool(said)


def test_a_whole_bundle_is_taken_by_each(whole):
    assert [refused(read, whole) for read, _ in READERS] == [False] * len(READERS)


@pytest.mark.parametrize("hostile", hostile_bundles(), ids=lambda hostile: hostile.name)
def test_each_reader_refuses_it_in_one_line(hostile: Hostile, whole, tmp_path):
    bundle = Path(shutil.copytree(whole, tmp_path / "bundle"))
    hostile.spoil(bundle)
    taken = [name for read, name in READERS if not refused(read, bundle)]
    assert not [name for name in taken if name == hostile.only or not hostile.only or not name]


@pytest.mark.parametrize("name", [MANIFEST, *SEALED])
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_change_of_bytes_makes_anything_but_one_line(name, whole, tmp_path, data):
    content = (whole / name).read_bytes()
    begin = data.draw(st.integers(0, len(content) - 1))
    end = data.draw(st.integers(begin, min(len(content), begin + 64)))
    changed = content[:begin] + data.draw(st.binary(max_size=64)) + content[end:]
    bundle = tmp_path / "bundle"
    shutil.rmtree(bundle, ignore_errors=True)
    shutil.copytree(whole, bundle)
    (bundle / name).write_bytes(changed)
    if name != MANIFEST:
        seal(bundle)
    for read, _ in READERS:
        refused(read, bundle)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    "class_names", "image_size", "backbone", "weights", "dataset_fingerprint", "split_seed", "training", "metrics",
    "temperature", "data", "library_versions", "format_version",
)  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(FIELDS), VALUES, min_size=1, max_size=2))
def test_no_value_of_the_manifest_makes_anything_but_one_line(whole, tmp_path, values):
    bundle = tmp_path / "bundle"
    if not bundle.exists():
        shutil.copytree(whole, bundle)
    shutil.copy(whole / MANIFEST, bundle)
    seal(bundle, **values)
    for read, _ in READERS[1:]:
        refused(read, bundle)


IN_A_PROCESS = """if 1:
    import resource, sys
    from pathlib import Path
    import onnxruntime, openvino
    from components.bundle.mlflow_loader import BundleModel
    from components.bundle.verification import verify_bundle
    from components.inference.model import load_model
    from components.step.errors import DataError
    whole, *hostile = map(Path, sys.argv[1:])
    BundleModel(whole), load_model(whole, "a", "", 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for bundle in hostile:
        assert verify_bundle(bundle, onnx_only=True)
        for read in (BundleModel, lambda folder: load_model(folder, "a", "", 1)):
            try:
                read(bundle)
            except DataError:
                continue
            raise SystemExit(f"taken: {bundle}")
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_none_of_those_that_everyone_refuses_takes_memory(whole, tmp_path):
    bundles = []
    for index, hostile in enumerate(hostile for hostile in hostile_bundles() if not hostile.only):
        bundles.append(Path(shutil.copytree(whole, tmp_path / str(index))))
        hostile.spoil(bundles[-1])
    command = [sys.executable, "-c", IN_A_PROCESS, str(whole), *map(str, bundles)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) < MAX_GROWTH_MIB


def test_a_network_of_other_outputs_is_refused_by_each(whole, tmp_path):
    """Its golden examples, of its own width, agree with it; the class names do not."""
    inputs = keras.Input((16, 16, 3), dtype="uint8", name="image")
    outputs = keras.layers.Dense(5, activation="softmax")(keras.layers.Flatten()(inputs))
    save_bundle(tmp_path / "bundle", keras.Model(inputs, outputs, name="classifier"), PIXELS[:4], PROVENANCE)
    assert [refused(read, tmp_path / "bundle") for read, _ in READERS] == [True] * len(READERS)


@pytest.mark.parametrize("error", [RecursionError(), MemoryError(), KeyError("a\nb"), OSError("x")])
def test_whatever_is_raised_is_one_line(error):
    with pytest.raises(DataError, match=r"bundle\.json") as caught, sound(Path("bundle.json")):
        raise error
    assert str(caught.value).isprintable()


def test_what_is_one_line_already_stays_what_it_is():
    with pytest.raises(ServiceError, match=r"^as it was$"), sound(Path("bundle.json")):
        raise ServiceError("as it was")


def test_an_old_manifest_may_have_large_tables(whole, tmp_path):
    """A thousand classes' matrix is no attack."""
    bundle = Path(shutil.copytree(whole, tmp_path / "bundle"))
    seal(bundle, data={"validation_confusion_matrix": [[12] * 1000] * 1000})
    assert json.loads((bundle / MANIFEST).read_text())["data"]
    assert not refused(READERS[3][0], bundle)
