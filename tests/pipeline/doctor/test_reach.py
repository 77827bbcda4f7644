"""The way to a server: names inside a cluster, silence, proxies."""

import socket

import pytest

from pipeline.doctor import reach
from pipeline.doctor.reach import service_inside, trouble_reaching
from tests.support.doctors_world import World


@pytest.mark.parametrize(
    ("host", "service"),
    [
        ("minio", ("minio", "kubeflow")),
        ("minio.data.svc", ("minio", "data")),
        ("minio.data.svc.cluster.local", ("minio", "data")),
        ("minio.data.svc.cluster.local.", ("minio", "data")),
        ("MINIO.data.svc", ("minio", "data")),
        ("localhost", None),
        ("s3.example.org", None),
        ("minio.data", None),
        ("10.0.0.1", None),
        ("::1", None),
        ("", None),
    ],
)
def test_names_of_services_are_told_from_names_of_the_world(host: str, service: tuple[str, str] | None) -> None:
    assert service_inside(host, "kubeflow") == service


@pytest.mark.parametrize("url", ["", "minio:9000", "ftp://store", "http://", "http://store:port", "http://[::1", "//a"])
def test_what_is_no_address_is_said_to_be_none(url: str) -> None:
    trouble = trouble_reaching(url, None, "")
    assert trouble
    assert "no http(s) URL" in trouble.sentence


def test_a_server_that_is_silent_is_waited_for_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "SECONDS", 0.2)
    with socket.socket() as listening:  # It takes connections, and never says a word of TLS.
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        trouble = trouble_reaching(f"https://127.0.0.1:{listening.getsockname()[1]}", None, "")
    assert trouble
    assert "does not answer within" in trouble.sentence


def test_a_proxy_that_is_away_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://somebody:a-proxy-password@127.0.0.1:9")
    monkeypatch.setenv("no_proxy", world.cluster.url.partition("://")[2].partition(":")[0])
    world.has_keys(AWS_S3_ENDPOINT="http://store.example.org")
    [found] = [each for each in world.examine(without=("scratch", "MLflow", "images")) if each.state == "wrong"]
    assert (found.subject, "the proxy" in found.sentence, "NO_PROXY" in found.advice) == ("store", True, True), found
    assert "a-proxy-password" not in found.sentence
