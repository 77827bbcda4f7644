"""Bundles of formats before: each is read for ever, by every reader, and answers as it did when it was written.

The folders in tests/support/old_bundles were written by the code of their time: format 1 by that of commit c59569f (its
ONNX network by tf2onnx), format 2 by that of 482f147, and by that of 4e5e89b, whose manifests carry their own digest.
"""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from components.bundle.golden import TOLERANCE, read_golden
from components.bundle.manifest import FORMAT_VERSION, MANIFEST, READ_VERSIONS, read_manifest
from components.bundle.mlflow_loader import BundleModel
from components.bundle.reader import load_bundle
from components.bundle.verification import verify_bundle
from components.inference.model import load_model
from components.step.errors import DataError
from tests.support.hostile_bundles import seal

OLD = sorted((Path(__file__).parents[1] / "support" / "old_bundles").iterdir())


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def format_of(bundle: Path) -> int:
    return int(json.loads((bundle / MANIFEST).read_text())["format_version"])


def test_there_is_a_bundle_of_every_format_before_this_one():
    assert {format_of(bundle) for bundle in OLD} | {FORMAT_VERSION} == set(READ_VERSIONS)
    assert tuple(range(1, FORMAT_VERSION + 1)) == READ_VERSIONS


@pytest.mark.parametrize("bundle", OLD, ids=lambda bundle: bundle.name)
def test_each_is_read_and_answers_as_it_did(bundle):
    golden = read_golden(bundle, read_manifest(bundle))
    assert verify_bundle(bundle) == []
    loaded = load_bundle(bundle)
    np.testing.assert_allclose(loaded.predict(golden.images), golden.probabilities, atol=TOLERANCE)
    assert loaded.predict_with_features(golden.images)[1].shape == (4, 4)
    served = load_model(bundle, "classifier", "", 1)
    for image, probabilities in zip(golden.images, golden.probabilities, strict=True):
        np.testing.assert_allclose(served.predict(image, True), probabilities, atol=TOLERANCE)
        assert served.described(probabilities)["class"] in ("blue", "green", "red")
    assert [set(answer) for answer in BundleModel(bundle).predict([png(golden.images[0])])]


@pytest.mark.parametrize("bundle", OLD, ids=lambda bundle: bundle.name)
def test_what_its_format_did_not_have_is_as_nothing(bundle):
    manifest = read_manifest(bundle)
    assert manifest.build == {}
    assert (manifest.temperature, bool(manifest.data)) == ((1.0, False) if format_of(bundle) == 1 else (1.5, True))
    assert manifest.format_version == format_of(bundle)


@pytest.mark.parametrize(("version", "says"), [(4, "Update Pawline"), (10**30, "Update Pawline")])
def test_one_of_a_later_format_asks_for_a_later_program(version, says, tmp_path):
    bundle = Path(shutil.copytree(OLD[0], tmp_path / "bundle"))
    seal(bundle, format_version=version)
    with pytest.raises(DataError, match=says) as caught:
        read_manifest(bundle)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("version", [0, -1, 1.0, True, "2", None, [1], {"a": 1}])
def test_what_is_no_format_is_damage(version, tmp_path):
    bundle = Path(shutil.copytree(OLD[0], tmp_path / "bundle"))
    seal(bundle, format_version=version)
    with pytest.raises(DataError, match="this program reads 1 to"):
        read_manifest(bundle)
