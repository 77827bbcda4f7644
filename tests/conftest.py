"""Fixtures: a real S3 server over HTTP, and a proxy before it that spoils answers."""

import logging
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support import generated
from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.ray_nodes import RayNodes, ray_nodes, s3_variables

if TYPE_CHECKING:
    from components.engine.ray_cluster import RayCluster

# What the tests' parent ignores or blocks (a background job's Ctrl-C) would be so for every process they start.
# Only SIGHUP stays as it is: under nohup the tests outlive their terminal.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.signal(signal.SIGCHLD, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_SETMASK, ())

# How long an example takes says how busy the machine is.
settings.register_profile("pawline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pawline")


@pytest.fixture(autouse=True)
def no_tracking_of_others() -> Iterator[None]:
    """Keep the environment's MLflow out of every test, and each test's out of the next.

    MLflow's own functions write to os.environ, which monkeypatch does not know.
    """
    before = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("MLFLOW_")}
    yield
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(autouse=True)
def log_as_it_was() -> Iterator[None]:
    """Take a step's log handler away, whose stream pytest closes, and let its records be caught again."""
    log = logging.getLogger("pawline")
    before = log.handlers, log.level, log.propagate
    yield
    log.handlers, log.propagate = before[0], before[2]
    log.setLevel(before[1])


@dataclass(frozen=True)
class Bucket:
    """A fresh bucket on the test's own S3 server at `port`; `client` talks to it directly, past any proxy."""

    name: str
    port: int
    client: Any

    def uri(self, path: str = "") -> str:
        return f"s3://{self.name}/{path}"

    def put(self, files) -> None:
        """Store `files`, bytes by key."""
        for key, data in files.items():
            self.client.put_object(Bucket=self.name, Key=key, Body=data)

    def listed(self) -> list[str]:
        """Return every key in the bucket."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]


@pytest.fixture(scope="session")
def s3_port() -> Iterator[int]:
    """The port of moto's S3 server."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield server.get_host_and_port()[1]
    server.stop()


@pytest.fixture
def s3_environment(s3_port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The server's port, with the environment a step is given on a cluster."""
    from components.storage.s3 import s3_client

    for name in [name for name in os.environ if name.startswith(("AWS_", "MLFLOW_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{s3_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test-secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    s3_client.cache_clear()
    yield s3_port
    s3_client.cache_clear()


@pytest.fixture
def bucket(s3_environment: int) -> Bucket:
    """A fresh bucket."""
    import boto3

    client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{s3_environment}")
    made = Bucket(f"bucket-{uuid.uuid4().hex[:12]}", s3_environment, client)
    client.create_bucket(Bucket=made.name)
    return made


@pytest.fixture
def proxy(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """A proxy before the server, which the environment names from now on; short pauses and timeouts."""
    from components.storage import s3

    with fault_proxy(bucket.port) as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", running.url)
        monkeypatch.setattr(s3, "READ_TIMEOUT", 2.0)
        s3.s3_client.cache_clear()
        yield running
    s3.s3_client.cache_clear()


@pytest.fixture(scope="session")
def ray_running(s3_port: int) -> Iterator[RayNodes]:
    """A Ray cluster of two nodes that reach the S3 server."""
    with ray_nodes(s3_variables(s3_port)) as running:
        yield running


@pytest.fixture
def ray_cluster(ray_running: RayNodes) -> Iterator["RayCluster"]:
    """This process connected to that cluster for one test: others connect to clusters of their own."""
    from components.engine.connection import connected

    with connected(ray_running.address) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database as the sender makes it, with no runs; copy it."""
    from components.step.addresses import sqlite_uri

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    code = "import sys; from components.tracking.database import make_database; make_database(sys.argv[1])"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    subprocess.run(
        [sys.executable, "-c", code, sqlite_uri(path)],
        cwd=Path(__file__).parents[1],
        env=clean,
        check=True,
        capture_output=True,
    )
    assert [file.name for file in path.parent.iterdir()] == ["mlflow.db"]
    return path


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """A folder with `images/` of 12 images in three classes and `annotations.json`, an ecotag export."""
    folder = tmp_path / "pets"
    files = generated.noise_images(12)
    generated.write_files(folder / "images", files)
    (folder / "annotations.json").write_text(generated.ecotag_export(generated.labels_of(files)))
    return folder
