"""All checks at once: in a sound world each is green; no answer, slow, odd or hostile, keeps the others from theirs."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.doctor.examination import CHECKS, examine
from pipeline.doctor.finding import Finding, NotChecked, well
from pipeline.doctor.setup import Setup
from tests.support.doctors_world import HERE, ML, MLFLOW_PASSWORD, V1, V2, World, node
from tests.support.kfp_server import Request
from tests.support.patience import PATIENCE

ODD: tuple[Any, ...] = ([], None, "text", 3, {"items": None}, {"items": [None]}, {"items": [{}]}, {"items": {"a": 1}})


def test_in_a_sound_world_each_line_is_green(world: World) -> None:
    assert not [found for found in world.examine() if found.state != "well"]


def test_what_takes_too_long_is_said_and_the_others_are_there(world: World) -> None:
    over = threading.Event()

    def slow(_: Setup) -> Iterator[Finding]:
        over.wait(PATIENCE)
        yield well("slow", "late")

    def quick(_: Setup) -> Iterator[Finding]:
        yield well("quick", "there")
        raise NotChecked("of the rest")

    found = examine(world.examined(), {"slow": slow, "quick": quick}, seconds=1.0)
    over.set()
    assert [(each.subject, each.state) for each in found] == [
        ("slow", "unchecked"),
        ("quick", "well"),
        ("quick", "unchecked"),
    ]
    assert found[0].sentence == "not checked, because it took more than 1 s"


@pytest.mark.parametrize(("path", "subject"), [(f"{V2}/healthz", "KFP"), (HERE, "Kubernetes")])
def test_a_server_that_takes_connections_and_never_answers_is_wrong(world: World, path: str, subject: str) -> None:
    over = threading.Event()
    world.cluster.routes["GET", path] = lambda _: (200, {"late": over.wait(PATIENCE)})
    [found] = examine(world.examined(), {}, seconds=1.0)
    over.set()
    assert (found.subject, found.state, found.sentence) == (subject, "wrong", "it does not answer within 1 s")
    assert found.advice


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_answers_that_make_no_sense_end_in_lines(world: World, odd: Any) -> None:
    """Each answer to a question for something is `odd`, but the first ones, without which nothing is asked."""
    first = (f"{V2}/healthz", HERE)
    for route in world.cluster.routes:
        if route[1] not in first:
            world.cluster.routes[route] = 200, odd
    for found in world.examine(without=("store", "scratch")):
        assert found.sentence.isprintable()
        assert len(found.sentence) < 700


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_first_answers_that_make_no_sense_end_in_lines(world: World, odd: Any) -> None:
    for path in (f"{V2}/healthz", HERE):
        world.answers(path, odd)
    assert world.examine(without=("store", "scratch", "images"))


def test_objects_that_make_no_sense_end_in_lines(world: World) -> None:
    odd = node(cpu="lots")
    world.has_nodes(odd, {"metadata": None, "status": {"conditions": [None]}}, {})
    world.items(f"{HERE}/resourcequotas", {"status": {"hard": {"requests.cpu": "lots"}}})
    world.items(f"{HERE}/limitranges", {"spec": {"limits": [{"type": "Pod", "max": {"cpu": []}}]}})
    world.answers(f"{HERE}/secrets/pawline-s3", {"data": {"AWS_ACCESS_KEY_ID": "no base64!", "x": 3}})
    world.items(f"{V1}/pods", {"spec": {}}, {})
    unchecked = {found.subject for found in world.examine() if found.state == "unchecked"}
    assert unchecked >= {"nodes", "quota", "limit ranges"}


def test_no_secret_is_said_whoever_repeats_it(world: World) -> None:
    """Servers that say in their refusals what they were given."""
    token = world.server.token

    def repeating(request: Request) -> tuple[int, Any]:
        return 400, {"message": f"bad {dict(request.headers)} {MLFLOW_PASSWORD} {token}"}

    for path in (f"{V2}/pipelines", f"{ML}/experiments/search", f"{ML}/registered-models/get"):
        world.cluster.routes["GET", path] = repeating
    world.store.repeats = True
    world.store.forbidden = ("PUT",)
    said = " ".join(f"{found.sentence} {found.advice}" for found in world.examine())
    assert "bad {" in said
    for secret in (token, MLFLOW_PASSWORD, world.keys["AWS_SECRET_ACCESS_KEY"]):
        assert secret not in said


def test_every_check_has_a_place_of_its_own() -> None:
    assert len({check.__module__ for check in CHECKS.values()}) == len(CHECKS)
    assert all((check.__doc__ or "").startswith("Yield ") for check in CHECKS.values())
