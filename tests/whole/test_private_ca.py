"""Servers whose certificate a private authority has signed: believed by the bundle that the settings name, else not."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from components.storage.s3 import s3_client
from pipeline.cli.main import main
from pipeline.cluster.servers import named_server_of_model
from pipeline.placement import CA_VARIABLES
from tests.conftest import Bucket
from tests.support.extraction import Outcome, assert_refused, extract_arguments, run_extract
from tests.support.generated import ecotag_export, labels_of, noise_images
from tests.support.kfp_server import fake_cluster
from tests.support.tls_front import TlsFront, tls_front


@pytest.fixture
def front(tmp_path: Path) -> Iterator[TlsFront]:
    """A KFP API that has no runs, and a server of a model, behind TLS."""
    with fake_cluster() as running, tls_front(urlsplit(running.url).port or 0, tmp_path) as front:
        running.routes["GET", "/apis/v2beta1/runs"] = 200, {}
        running.routes["GET", "/metadata"] = 200, {"model": {"digest": "abc"}}
        yield front


def trust(monkeypatch: pytest.MonkeyPatch, authority: Path) -> None:
    """Set what the compiled pipeline sets in every step that has a CA bundle."""
    for name in CA_VARIABLES:
        monkeypatch.setenv(name, str(authority))


def test_a_step_reads_and_writes_a_store_of_a_private_authority(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = noise_images(6)
    bucket.put({f"images/{name}": data for name, data in files.items()})
    bucket.put({"annotations.json": ecotag_export(labels_of(files)).encode()})

    def extract() -> Outcome:
        s3_client.cache_clear()
        places = bucket.uri("annotations.json"), bucket.uri("images"), bucket.uri("datasets")
        return run_extract(extract_arguments(tmp_path, *places))

    with tls_front(bucket.port, tmp_path) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", front.url)
        assert_refused(extract(), 1, f"The S3 store at {front.url} must answer", "CERTIFICATE_VERIFY_FAILED")
        trust(monkeypatch, front.authority)
        done = extract()
        assert done.code == 0, done.stderr
        assert len(list(done.dataset().samples())) == 6


def test_the_kfp_api_and_a_models_server_are_believed_by_their_bundle(
    front: TlsFront, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PAWLINE_KFP_HOST", front.url)
    look = named_server_of_model(front.url, "")
    assert main(["runs", "--cluster"]) == 1
    assert "CERTIFICATE_VERIFY_FAILED" in capsys.readouterr().err
    assert "CERTIFICATE_VERIFY_FAILED" in look()[0].problem
    monkeypatch.setenv("PAWLINE_KFP_CA_BUNDLE", str(front.authority))
    trust(monkeypatch, front.authority)
    assert main(["runs", "--cluster"]) == 0
    assert [served.digest for served in look()] == ["abc"]
