"""Where the bundle comes from, and how a changed one is put into service or refused without a request lost."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import types
import urllib.request
from pathlib import Path

import pytest

from components.bundle.manifest import MANIFEST, MOST_BYTES, ONNX_NETWORK, sha256_of
from components.inference.model import load_model
from components.inference.source import StoreSource, open_source
from components.step.errors import DataError, PawlineError
from components.storage.stores import open_store
from components.tracking.mlflow_model import write_model
from tests.serve.api.test_simple import RED
from tests.support.hostile_bundles import seal
from tests.support.patience import PATIENCE
from tests.support.serving import ROOT, RunningServer, colour_bundle, eventually, free_port, running_server


def model_of(server: RunningServer) -> dict[str, str]:
    return json.loads(server.get("/metadata")[1])["model"]


def events(server: RunningServer, name: str) -> list[dict[str, str]]:
    return [event for event in server.events() if event["event"] == name]


class Asking:
    """Asks a server without pause in a thread of its own; `answers` are status and model version."""

    def __init__(self, server: RunningServer) -> None:
        self._server, self._asking = server, True
        self.answers: list[tuple[int, str]] = []
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> "Asking":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._asking = False
        self._thread.join()

    def _ask(self) -> None:
        while self._asking:
            status, body = self._server.post("/predict", RED)
            self.answers.append((status, json.loads(body).get("model", {}).get("version", "")))


def point_to(link: Path, target: Path) -> None:
    """Make `link` lead to `target` at once."""
    temporary = link.with_name("next")
    temporary.symlink_to(target)
    os.replace(temporary, link)


def test_a_changed_bundle_is_put_into_service_and_no_request_is_lost(tmp_path):
    first, second = (colour_bundle(tmp_path / name, scale) for name, scale in (("a", 1.0), ("b", 2.0)))
    spoilt = Path(shutil.copytree(first, tmp_path / "c"))
    (spoilt / ONNX_NETWORK).write_bytes((second / ONNX_NETWORK).read_bytes())
    (spoilt / MANIFEST).write_text((spoilt / MANIFEST).read_text() + " ")
    point_to(tmp_path / "current", first)
    with running_server(tmp_path / "current", tmp_path / "log", "--watch", "0.1") as server:
        before = model_of(server)
        with Asking(server) as asking:
            eventually(lambda: len(asking.answers) > 5)
            point_to(tmp_path / "current", second)
            eventually(lambda: model_of(server) != before)
            after = model_of(server)
            eventually(lambda: asking.answers[-1] == (200, after["version"]))
            point_to(tmp_path / "current", spoilt)
            eventually(lambda: events(server, "model kept"))
            point_to(tmp_path / "gone", tmp_path / "current")
            (tmp_path / "current").unlink()
            eventually(lambda: len(events(server, "model kept")) == 2)
            assert model_of(server) == after
            point_to(tmp_path / "current", first)
            eventually(lambda: model_of(server) == before)
        assert {status for status, _ in asking.answers} == {200}
        assert {version for _, version in asking.answers} == {before["version"], after["version"]}
        assert "pawline_model_refused_total 1.0" in server.get("/metrics")[1].decode()
        [refused, gone] = [event["message"] for event in events(server, "model kept")]
    assert "sha256" in refused
    assert "must have its manifest" in gone


def test_a_bundle_in_a_bucket_is_served_and_its_successor_too(tmp_path, bucket, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    for name, scale in (("a", 1.0), ("b", 2.0)):
        colour_bundle(tmp_path / name, scale)
    upload(bucket, tmp_path / "a")
    with running_server(bucket.uri("models/pets"), tmp_path / "log", "--watch", "0.1") as server:
        before = model_of(server)
        assert json.loads(server.post("/predict", RED)[1])["class"] == "red"
        upload(bucket, tmp_path / "b")
        eventually(lambda: model_of(server) != before)
    assert not list((tmp_path / "temporary").iterdir())


KILLED_WHILE_SERVING = """
import os, sys
from components.inference.source import StoreSource
from components.storage.stores import open_store
source = StoreSource(open_store(sys.argv[1]))
with source.bundle(source.revision()):
    os.kill(os.getpid(), 9)
"""


def test_what_a_killed_server_downloaded_is_removed_by_the_next_one(tmp_path, monkeypatch):
    bundle, temporary = colour_bundle(tmp_path / "bundle"), tmp_path / "temporary"
    temporary.mkdir()
    environment = os.environ | {"TMPDIR": str(temporary), "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", KILLED_WHILE_SERVING, str(bundle)]
    assert subprocess.run(command, env=environment, check=False).returncode == -9
    [left] = temporary.iterdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with StoreSource(open_store(str(bundle))).bundle("") as found:
        assert [path.name for path in temporary.iterdir()] == [found.directory.name] != [left.name]


def upload(bucket, bundle: Path) -> None:
    bucket.put({f"models/pets/{path.name}": path.read_bytes() for path in sorted(bundle.iterdir(), reverse=True)})


def test_a_bucket_without_a_bundle_is_said_in_one_line(bucket):
    with pytest.raises(DataError, match=r"models/none, without bundle"):
        open_source(bucket.uri("models/none")).revision()


@pytest.fixture
def registry(tmp_path, monkeypatch) -> "Registry":
    """MLflow in a database of its own."""
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    return Registry(tmp_path)


class Registry:
    """Registers bundles as versions of the model `pets`."""

    def __init__(self, folder: Path) -> None:
        from mlflow import MlflowClient

        self._folder, self._client = folder, MlflowClient()
        self._experiment = self._client.create_experiment("serving", artifact_location=(folder / "artifacts").as_uri())
        self._client.create_registered_model("pets")

    def add(self, bundle: Path, tags: dict[str, str] | None = None) -> str:
        """Return the number of the version that is `bundle`."""
        run = self._client.create_run(self._experiment)
        folder = self._folder / run.info.run_id
        folder.mkdir()
        write_model(bundle, folder)
        self._client.log_artifacts(run.info.run_id, str(folder), "model")
        return self._client.create_model_version(
            "pets", f"{run.info.artifact_uri}/model", run.info.run_id, tags
        ).version

    def make_champion(self, number: str) -> None:
        self._client.set_registered_model_alias("pets", "champion", number)


def test_the_registrys_champion_is_served_and_its_successor_too(tmp_path, registry):
    numbers = [str(registry.add(colour_bundle(tmp_path / name, scale))) for name, scale in (("a", 1.0), ("b", 2.0))]
    for absent in ("models:/cats@champion", "models:/pets@champion"):
        with pytest.raises(DataError, match=absent):
            open_source(absent).revision()
    registry.make_champion(numbers[0])
    with running_server("models:/pets@champion", tmp_path / "log", "--watch", "0.2") as server:
        assert model_of(server)["name"] == "pets"
        assert model_of(server)["version"] == numbers[0]
        assert server.get(f"/v2/models/pets/versions/{numbers[0]}/ready")[0] == 200
        registry.make_champion(numbers[1])
        eventually(lambda: model_of(server)["version"] == numbers[1])


def test_a_registered_bundle_that_is_not_the_one_promoted_is_refused(tmp_path, registry):
    """As for promotion and rollback; here its names were reversed, and its manifest is one that could be."""
    bundle = colour_bundle(tmp_path / "a")
    digest = {"pawline.digest": sha256_of(bundle / MANIFEST)}
    whole = str(registry.add(bundle, digest))
    seal(bundle, class_names=["red", "green", "blue"])
    changed = str(registry.add(bundle, digest))
    with open_source(f"models:/pets/{whole}").bundle(whole) as found:
        assert load_model(found.directory, found.name, found.version, 1).class_names[0] == "blue"
    refused = pytest.raises(DataError, match="must be the bundle that was promoted")
    with refused, open_source(f"models:/pets/{changed}").bundle(changed):
        pytest.fail("served")


@pytest.mark.parametrize("version", [None, "", "1/../../x", "\ud800", 10**12, {}])
def test_a_registry_whose_answer_makes_no_sense_is_said_in_one_line(registry, monkeypatch, version):
    answer = types.SimpleNamespace(version=version)
    client = types.SimpleNamespace(get_model_version_by_alias=lambda *_: answer if version != "" else None)
    monkeypatch.setattr("components.inference.source.registry_client", lambda _: client)
    with pytest.raises(PawlineError) as caught:
        open_source("models:/pets@champion").revision()
    assert str(caught.value).isprintable()


def test_a_registry_that_is_gone_ends_the_start_in_one_line(tmp_path):
    uri = f"http://name:secret@127.0.0.1:{free_port()}"
    environment = os.environ | {"MLFLOW_TRACKING_URI": uri, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    ended = subprocess.run(
        [sys.executable, "-m", "components.serve", "models:/pets@champion", "--port", "0"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stdout == ""
    [line] = ended.stderr.splitlines()
    assert line.startswith("pawline serve: error: MLflow at http://127.0.0.1:")
    assert "secret" not in line
    assert "Traceback" not in ended.stdout


def test_a_store_that_never_answers_does_not_hold_up_the_end(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        uri = f"http://127.0.0.1:{mute.getsockname()[1]}"
        environment = os.environ | {"AWS_ENDPOINT_URL_S3": uri, "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
        process = subprocess.Popen(
            [sys.executable, "-m", "components.serve", "s3://models/pets", "--port", str(port := free_port())],
            cwd=ROOT, env=environment, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        server = RunningServer(port, process, tmp_path / "log")
        mute.accept()  # It asks the store now.
        assert server.get("/v2/health/live")[0] == 200
        assert server.get("/v2/health/ready")[0] == server.post("/predict", RED)[0] == 503
        process.terminate()
        assert process.wait(timeout=PATIENCE) == 0


def test_no_more_of_a_manifest_is_read_than_one_may_have(tmp_path):
    (tmp_path / MANIFEST).symlink_to("/dev/zero")
    with pytest.raises(DataError):
        open_source(str(tmp_path)).revision()


def test_a_file_that_is_too_large_is_not_fetched_from_a_bucket(tmp_path, bucket, monkeypatch):
    upload(bucket, colour_bundle(tmp_path / "a"))
    monkeypatch.setitem(MOST_BYTES, ONNX_NETWORK, 10)
    found = open_source(bucket.uri("models/pets"))
    monkeypatch.setattr(found._store, "download", lambda *_: pytest.fail("fetched"))
    with pytest.raises(DataError, match=r"model\.onnx: \d+ bytes, at most 10"), found.bundle(found.revision()):
        pytest.fail("served")


@pytest.mark.parametrize("ending", [r"\ud800", r"\n", " ", "e" * 1000])
def test_a_bundle_whose_names_no_answer_can_say_is_refused(tmp_path, ending):
    bundle = colour_bundle(tmp_path / "bundle")
    text = (bundle / MANIFEST).read_text()
    (bundle / MANIFEST).write_text(text.replace('"blue"', f'"blue{ending}"'))
    with pytest.raises(DataError, match="class_names must be labels"):
        load_model(bundle, "classifier", "", 1)


@pytest.mark.slow
def test_a_server_outlives_its_registry(tmp_path, registry, monkeypatch):
    """Against a real MLflow server, which takes seconds to start."""
    registry.make_champion(registry.add(colour_bundle(tmp_path / "a")))
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", os.environ["MLFLOW_TRACKING_URI"]]
    with (tmp_path / "mlflow.log").open("wb") as log:
        mlflow = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        eventually(lambda: is_up(port))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
        with running_server("models:/pets@champion", tmp_path / "log", "--watch", "0.2") as server:
            os.killpg(mlflow.pid, signal.SIGKILL)
            eventually(lambda: events(server, "model kept"))
            assert json.loads(server.post("/predict", RED)[1])["model"]["version"] == "1"
            [kept] = events(server, "model kept")
            assert kept["message"].startswith(f"MLflow at http://127.0.0.1:{port} must answer")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(mlflow.pid, signal.SIGKILL)
        mlflow.wait()


def is_up(port: int) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
        return answer.status == 200
    return False
