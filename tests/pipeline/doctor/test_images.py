"""Images: where they are asked for, with whose login, and what else is known of them."""

import base64
import json
from typing import Any

import pytest

from pipeline.doctor import images
from pipeline.doctor.finding import Finding
from pipeline.doctor.registries import Image, logins_in
from tests.support.doctors_world import HERE, MANIFESTS, World, node
from tests.support.kfp_server import Request

LOGIN = base64.b64encode(b"robot:a-password-for-pulling").decode()


def found(world: World) -> list[Finding]:
    """Return what doctor finds of the step image alone."""
    world.wants(image=f"{world.cluster.url.removeprefix('http://')}/pawline/step:1")
    return [each for each in world.examine(without=("store", "scratch", "MLflow")) if each.subject.startswith("image")]


@pytest.mark.parametrize(
    ("name", "registry", "repository", "reference"),
    [
        ("busybox", "docker.io", "library/busybox", "latest"),
        ("team/step:2", "docker.io", "team/step", "2"),
        ("localhost/step", "localhost", "step", "latest"),
        ("registry.test:5000/a/b/step:1", "registry.test:5000", "a/b/step", "1"),
        ("registry.test/step@sha256:" + "a" * 64, "registry.test", "step", "sha256:" + "a" * 64),
        ("registry.test/step:1@sha256:" + "a" * 64, "registry.test", "step", "sha256:" + "a" * 64),
    ],
)
def test_a_name_is_taken_as_a_node_takes_it(name: str, registry: str, repository: str, reference: str) -> None:
    assert Image.named(name) == Image(registry, repository, reference)


def asking_for_a_token(world: World) -> None:
    """Let the registry give manifests to whoever has a token, and tokens to whoever has the login."""
    url = world.cluster.url

    def manifest(request: Request) -> tuple[int, Any]:
        return (200 if request.headers.get("Authorization") == "Bearer a-token-of-the-registry" else 401), b""

    def token(request: Request) -> tuple[int, Any]:
        known = request.headers.get("Authorization") == f"Basic {LOGIN}"
        return (200, {"token": "a-token-of-the-registry"}) if known else (401, {})

    world.cluster.routes["HEAD", MANIFESTS.format(name="step")] = manifest
    world.cluster.routes["GET", "/token"] = token
    world.cluster.headers["WWW-Authenticate"] = f'Bearer realm="{url}/token",service="test",scope="pull"'


def test_the_pull_secrets_login_is_used(world: World) -> None:
    asking_for_a_token(world)
    [before] = found(world)
    assert (before.state, "without a pull secret (401)" in before.sentence) == ("wrong", True)
    config = {"auths": {world.cluster.url: {"auth": LOGIN}}}
    world.has_secret("puller", {".dockerconfigjson": json.dumps(config)}, "kubernetes.io/dockerconfigjson")
    world.wants(pull_secrets=("puller",))
    [after] = found(world)
    assert (after.state, after.sentence) == ("well", "its registry has it, with puller")


def test_the_secrets_of_the_service_account_count(world: World) -> None:
    asking_for_a_token(world)
    config = {"auths": {world.cluster.url: {"username": "robot", "password": "a-password-for-pulling"}}}
    world.has_secret("of-account", {".dockerconfigjson": json.dumps(config)}, "kubernetes.io/dockerconfigjson")
    account = {"metadata": {"name": "pipeline-runner"}, "imagePullSecrets": [{"name": "of-account"}]}
    world.answers(f"{HERE}/serviceaccounts/pipeline-runner", account)
    assert [each.state for each in found(world)] == ["well"]


def test_a_login_does_not_go_to_another_address_in_the_clear(world: World) -> None:
    asking_for_a_token(world)
    world.cluster.headers["WWW-Authenticate"] = 'Bearer realm="http://127.0.0.2:1/token",service="test"'
    assert [each.state for each in found(world)] == ["wrong"]


def test_logins_are_found_by_registry_however_they_are_written() -> None:
    entries = {"https://index.docker.io/v1/": {"auth": "a"}, "registry.test/team": {"auth": "b"}, "odd": None}
    assert logins_in(json.dumps({"auths": entries})) == {"docker.io": "a", "registry.test": "b"}


def test_an_image_on_a_node_needs_no_registry(world: World) -> None:
    world.cluster.routes.pop(("HEAD", MANIFESTS.format(name="step")))
    there = node()
    name = f"{world.cluster.url.removeprefix('http://')}/pawline/step:1"
    there["status"]["images"] = [{"names": [name]}]
    world.has_nodes(there)
    assert [each.sentence for each in found(world)] == ["it is on node node-1 already"]


def test_where_the_registry_is_out_of_reach_events_of_earlier_pods_speak(world: World) -> None:
    name = "registry.invalid.test/pawline/step:1"
    world.wants(image=name)
    setup = [each for each in world.examine(without=("store", "scratch", "MLflow")) if each.subject.startswith("image")]
    assert [each.state for each in setup] == ["unchecked"]
    said = f'Failed to pull image "{name}": manifest unknown'
    world.items(f"{HERE}/events", {"reason": "Failed", "message": said})
    [after] = [
        each for each in world.examine(without=("store", "scratch", "MLflow")) if each.subject.startswith("image")
    ]
    assert (after.state, said in after.sentence) == ("wrong", True)
    assert images.SUBJECT in after.subject
