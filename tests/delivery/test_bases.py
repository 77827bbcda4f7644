"""Base images by digest: what a registry says is written into both Dockerfiles, or nothing is."""

import hashlib
import json
import shutil
import socket
from pathlib import Path

import pytest

from components.step.errors import DataError, ServiceError
from delivery.bases import DOCKERFILES, base_of, renew
from delivery.locks import ROOT
from tests.support.kfp_server import FakeCluster, fake_cluster

INDEX = json.dumps(
    {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}
).encode()
DIGEST = f"sha256:{hashlib.sha256(INDEX).hexdigest()}"
MANIFEST = "/v2/library/python/manifests/3.11-slim-bookworm"


@pytest.fixture
def registry():
    with fake_cluster() as running:
        yield running


@pytest.fixture
def files(tmp_path: Path, registry: FakeCluster) -> list[Path]:
    """Both Dockerfiles, whose base lies in the little registry."""
    copies = [Path(shutil.copy(ROOT / name, tmp_path)) for name in DOCKERFILES]
    for path in copies:
        path.write_text(path.read_text().replace("docker.io", registry.url.removeprefix("http://")))
    return copies


def says(registry: FakeCluster, content: bytes, status: int = 200) -> None:
    registry.routes["GET", MANIFEST] = lambda _: (status, content)


def test_both_are_renewed_and_renewed_again(registry, files):
    says(registry, INDEX)
    written = renew(files)
    assert set(written) == set(DOCKERFILES)
    assert {base_of(path).partition("@")[2] for path in files} == {DIGEST}
    before = [path.read_text() for path in files]
    assert renew(files) == written
    assert [path.read_text() for path in files] == before
    says(registry, INDEX + b"\n")
    assert renew(files) != written
    assert {base_of(path).count("@") for path in files} == {1}


def test_nothing_but_the_one_line_changes(registry, files):
    says(registry, INDEX)
    before = [path.read_text().splitlines() for path in files]
    renew(files)
    for old, path in zip(before, files, strict=True):
        changed = [new for new, line in zip(path.read_text().splitlines(), old, strict=True) if new != line]
        assert len(changed) == 1
        assert changed[0].startswith("ARG BASE_IMAGE=")


@pytest.mark.parametrize(
    ("content", "status"), [(b"", 404), (INDEX, 500), (b"", 401), (b"<html>a proxy</html>", 200), (b"[]", 200)]
)
def test_where_a_registry_has_none_nothing_changes(content, status, registry, files):
    says(registry, content, status)
    before = [path.read_text() for path in files]
    with pytest.raises(ServiceError, match="A base image must be in its registry") as refused:
        renew(files)
    assert str(refused.value).isprintable()
    assert [path.read_text() for path in files] == before


def test_a_registry_that_is_not_there_is_one_line(files):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        for path in files:
            path.write_text(f"ARG BASE_IMAGE=127.0.0.1:{nobody.getsockname()[1]}/library/python:3\n")
        with pytest.raises(ServiceError, match="Nothing was changed"):
            renew(files)


@pytest.mark.parametrize("text", ["FROM python\n", "ARG BASE_IMAGE=a:1\nARG BASE_IMAGE=b:1\n"])
def test_a_dockerfile_without_its_line_is_refused(text, tmp_path):
    (tmp_path / "Dockerfile").write_text(text)
    with pytest.raises(DataError, match="must name its base in one line"):
        base_of(tmp_path / "Dockerfile")
