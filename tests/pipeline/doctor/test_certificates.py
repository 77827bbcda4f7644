"""Certificates: doctor names what is wrong with a store's, and trusts the CA that the steps will trust."""

import json
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.doctor.finding import Finding
from pipeline.doctor.needs import KeysOf
from tests.support.doctors_world import HERE, World
from tests.support.kfp_server import kubeconfig
from tests.support.strict_s3 import StrictS3, strict_s3
from tests.support.tls import authority

Serve = Callable[..., AbstractContextManager[StrictS3]]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """What makes a store that shows a certificate of the company's CA."""
    objects = {"annotations.json": b"{}", "images/a.png": b"png"}
    return lambda **shown: strict_s3(authority().context(tmp_path, **shown), objects=objects)


def of_store(world: World, store: StrictS3, url: str = "") -> list[Finding]:
    """Return what doctor finds of `store` instead of the world's."""
    world.has_keys(AWS_S3_ENDPOINT=url or store.url)
    return [found for found in world.examine(without=("scratch",)) if "store" in found.subject]


def trusts(world: World, text: str, key: str = "ca-bundle.crt") -> None:
    """Let the steps trust the certificates in `text`, which a ConfigMap holds."""
    mounted = KeysOf("company", {"AWS_CA_BUNDLE": "ca-bundle.crt"})
    world.wants("extract", config_maps=(mounted,), environment={"AWS_CA_BUNDLE": "/etc/pawline/ca/ca-bundle.crt"})
    world.answers(f"{HERE}/configmaps/company", {"data": {key: text}})


def test_a_private_ca_is_named_and_what_to_do(world: World, serve: Serve) -> None:
    with serve() as store:
        [found] = of_store(world, store)
    assert found.state == "wrong"
    assert "of a CA that is not trusted here (private CA)" in found.sentence
    assert found.advice == "Compile with --ca-bundle NAME, a ConfigMap with it"


def test_what_the_steps_trust_is_trusted(world: World, serve: Serve) -> None:
    trusts(world, authority().pem)
    with serve() as store:
        assert {found.state for found in of_store(world, store)} == {"well"}
        assert store.objects.keys() == {"annotations.json", "images/a.png"}


def test_here_it_is_the_file_that_the_environment_names(world: World, serve: Serve, tmp_path: Path) -> None:
    bundle = tmp_path / "company.crt"
    bundle.write_text(authority().pem)
    with serve() as store:
        here = world.keys | {"AWS_ENDPOINT_URL_S3": store.url, "AWS_CA_BUNDLE": str(bundle)}
        with pytest.MonkeyPatch.context() as environment:
            for name, value in here.items():
                environment.setenv(name, value)
            found = world.examine(without=("scratch",), for_cluster=False, environment=here)
    assert {each.state for each in found if each.subject.startswith("store")} == {"well"}


@pytest.mark.parametrize(
    ("shown", "says"),
    [
        ({"ends": timedelta(days=-1)}, "has expired"),
        ({"host": "127.0.0.2"}, "is for another host"),
        ({"host": "store.example.org"}, "is for another host"),
    ],
)
def test_other_faults_of_a_certificate_are_named(world: World, serve: Serve, shown: dict, says: str) -> None:
    trusts(world, authority().pem)
    with serve(**shown) as store:
        [found] = of_store(world, store)
    assert (found.state, says in found.sentence) == ("wrong", True), found


def test_plain_http_at_a_port_that_speaks_tls_is_named(world: World, serve: Serve) -> None:
    with serve() as store:
        [found] = of_store(world, store, store.url.replace("https", "http"))
    assert (found.state, "https://" in found.advice) == ("wrong", True), found


def test_a_config_map_without_the_certificate_is_named(world: World) -> None:
    trusts(world, authority().pem, key="ca.crt")
    [found] = [each for each in world.examine(without=("scratch",)) if each.state == "wrong"]
    assert (found.subject, found.sentence) == ("ConfigMap company", "it has no certificate under the key ca-bundle.crt")


def test_a_cluster_of_a_private_ca_is_named_once_and_one_that_is_not_verified_says_nothing(
    world: World, serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    with serve() as cluster:
        path = kubeconfig(tmp_path, cluster.url)
        monkeypatch.setenv("KUBECONFIG", str(path))
        [found] = [each for each in world.examine(without=("store", "scratch")) if each.subject == "Kubernetes"]
        told = json.loads(path.read_text())
        told["clusters"][0]["cluster"]["insecure-skip-tls-verify"] = True
        path.write_text(json.dumps(told))
        warnings.simplefilter("always")
        world.examine(without=("store", "scratch"))
    assert (found.state, "(private CA)" in found.sentence, found.advice.count("another kubeconfig")) == (
        "wrong",
        True,
        1,
    )
    assert not [each for each in recwarn if "Unverified" in str(each.message)]
