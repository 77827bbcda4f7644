"""A bundle logged to MLflow is a model that pyfunc loads and `mlflow models serve` serves, without TensorFlow."""

import base64
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from components.bundle.manifest import Provenance, read_manifest, sha256_of
from components.bundle.mlflow_loader import BundleModel
from components.bundle.writer import save_bundle
from components.network.keras_runtime import keras
from components.step.errors import DataError
from components.tracking.mlflow_model import needed_modules, write_model

ROOT = Path(__file__).parents[2]
CLASS_NAMES = ["cat", "dog", "other"]
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)


# Loads and serves a model in a process that knows nothing of this project; the server is called without a network.
SERVED = """
import asyncio, base64, json, sys
import mlflow.pyfunc, pandas
from mlflow.pyfunc.scoring_server import init

async def post(app, body):
    sent = []
    scope = dict(type="http", http_version="1.1", method="POST", path="/invocations", raw_path=b"/invocations",
        query_string=b"", scheme="http", headers=[(b"content-type", b"application/json")], server=("x", 1))
    async def receive():
        return dict(type="http.request", body=body, more_body=False)
    async def send(message):
        sent.append(message.get("body", b""))
    await app(scope, receive, send)
    return json.loads(b"".join(sent))

model = mlflow.pyfunc.load_model({model!r})
import components
assert components.__file__.startswith({model!r}), components.__file__
inputs = json.loads(sys.argv[1])["dataframe_split"]["data"]
found = model.predict(pandas.DataFrame(dict(image=[base64.b64decode(value) for [value] in inputs])))
answer = asyncio.run(post(init(model), sys.argv[1].encode()))
assert not set(sys.modules) & set(["tensorflow", "keras"])
print(json.dumps([found, answer["predictions"]]))
"""


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((16, 16, 3), dtype="uint8", name="image")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 64, -2.0)(inputs))
    return keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x), name="classifier")


@pytest.fixture(scope="module")
def bundle(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle") / "bundle"
    save_bundle(folder, network, PIXELS[:2], Provenance(CLASS_NAMES, 16, "mobilenet", "none", "f" * 64, 0, {}, {}))
    return folder


def test_the_model_gives_the_networks_probabilities(bundle, network):
    expected = keras.ops.convert_to_numpy(network(PIXELS))
    found = BundleModel(bundle).predict([png(image) for image in PIXELS])
    np.testing.assert_allclose([list(each["probabilities"].values()) for each in found], expected, atol=1e-5)
    assert [each["label"] for each in found] == [CLASS_NAMES[i] for i in expected.argmax(axis=1)]
    assert BundleModel(bundle).predict([base64.b64encode(png(PIXELS[0])).decode()]) == found[:1]


@pytest.mark.parametrize("value", [b"no image", "no base64!", 5])
def test_what_is_no_image_is_refused(bundle, value):
    with pytest.raises(DataError):
        BundleModel(bundle).predict([value])


def test_pyfunc_and_its_server_load_it_where_only_the_models_own_code_is(bundle, tmp_path):
    write_model(bundle, tmp_path)
    inputs = [base64.b64encode(png(image)).decode() for image in PIXELS]
    body = json.dumps({"dataframe_split": {"columns": ["image"], "data": [[value] for value in inputs]}})
    code = SERVED.format(model=str(tmp_path))
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MLFLOW_TRACKING_URI")}
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, body], cwd=tmp_path, env=env, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found, served = json.loads(done.stdout.splitlines()[-1])
    assert found == BundleModel(bundle).predict([base64.b64decode(value) for value in inputs])
    assert served == found


def test_a_model_whose_files_were_changed_does_not_load(bundle, tmp_path):
    (tmp_path / "model").mkdir()
    write_model(bundle, tmp_path / "model")
    data = tmp_path / "model" / "bundle" / "model.onnx"
    changed = data.read_bytes()[:-1]
    data.unlink()  # A link to the bundle's own.
    data.write_bytes(changed)
    with pytest.raises(DataError, match=r"model\.onnx"):
        BundleModel(tmp_path / "model" / "bundle")
    assert sha256_of(bundle / "model.onnx") == read_manifest(bundle).files["model.onnx"]


def test_the_model_carries_little_code_and_no_pickle(bundle, tmp_path):
    write_model(bundle, tmp_path)
    modules = {str(path) for path in needed_modules("components.bundle.mlflow_loader")}
    carried = ("__init__", "bundle/manifest", "step/errors", "dataset/images", "bundle/mlflow_loader")
    assert {f"components/{name}.py" for name in carried} <= modules
    assert "components/network/keras_runtime.py" not in modules
    suffixes = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert suffixes <= {"", ".json", ".txt", ".py", ".keras", ".onnx", ".npz", ".md", ".yaml"}


def test_a_missing_bundle_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_model(tmp_path / "none", tmp_path)


def test_a_tracked_bundle_loads_from_its_run(bundle, tmp_path):
    """The whole way: tracker, queue, MLflow's database, its model registry's files, pyfunc."""
    code = f"""if 1:
        import os
        from pathlib import Path
        from components.tracking import sending
        from components.tracking import tracker as tracking
        sending.WAIT_SECONDS = 300.0
        tracker = tracking.open_tracker(os.environ, queue_folder=Path({str(tmp_path / "queue")!r}))
        tracker.start("train", {{}}, {{}}, None)
        tracker.model(Path({str(bundle)!r}))
        assert tracker.finish("FINISHED") == 0
        import mlflow
        [run] = mlflow.MlflowClient().search_runs(["1"])
        model = mlflow.pyfunc.load_model(f"runs:/{{run.info.run_id}}/model")
        image = Path({str(tmp_path / "image.png")!r}).read_bytes()
        import pandas
        [found] = model.predict(pandas.DataFrame({{"image": [image]}}))
        assert sorted(found["probabilities"]) == {CLASS_NAMES!r}"""
    (tmp_path / "image.png").write_bytes(png(PIXELS[0]))
    env = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    env |= {"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "queue").is_dir()
    assert list((tmp_path / "queue").iterdir()) == []
