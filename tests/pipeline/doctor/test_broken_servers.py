"""doctor names what is wrong with KFP, MLflow and the way to any server, and nothing else; it prints no secret."""

import base64
import json
import time
from dataclasses import replace

from tests.support.broken import Broken, cases, check_named
from tests.support.doctors_world import HERE, ML, V2, World
from tests.support.kfp_server import recorded

PAGE = b"<!doctype html><html><body>Please log in</body></html>"


def token_of_yesterday(world: World) -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": time.time() - 86400}).encode()).decode().rstrip("=")
    world.server = replace(world.server, token=f"e30.{claims}.c2ln")


def other_user(world: World) -> None:
    user = {"MLFLOW_TRACKING_USERNAME": "other", "MLFLOW_TRACKING_PASSWORD": "other-password"}
    world.has_secret("pawline-mlflow", user)


BROKEN = {
    "KFP's token unknown": Broken(
        lambda world: world.answers(f"{V2}/pipelines", {"message": "Unauthenticated"}, status=401),
        ("KFP",),
        "does not admit the token",
    ),
    "KFP's token expired": Broken(token_of_yesterday, ("KFP",), "the token in PAWLINE_KFP_TOKEN expired at"),
    "KFP's login page": Broken(
        lambda world: world.cluster.routes.update({("GET", f"{V2}/healthz"): (200, PAGE)}),
        ("KFP",),
        "A KFP API answers in JSON",
    ),
    "KFP 1": Broken(
        lambda world: world.cluster.routes.pop(("GET", f"{V2}/healthz")), ("KFP",), "There must be a KFP API v2beta1"
    ),
    "KFP of many": Broken(
        lambda world: world.answers(f"{V2}/healthz", recorded("healthz")[1] | {"multi_user": True}),
        ("KFP",),
        "no namespace is named",
    ),
    "KFP away": Broken(
        lambda world: setattr(world, "server", replace(world.server, address="http://127.0.0.1:9")),
        ("KFP",),
        "nothing listens at 127.0.0.1:9",
    ),
    "MLflow without auth": Broken(
        lambda world: world.lacks(f"{HERE}/secrets/pawline-mlflow"),
        ("MLflow",),
        "wants a user, and secret pawline-mlflow gives none (401)",
    ),
    "MLflow's other user": Broken(
        other_user, ("MLflow",), "does not know the user and password of secret pawline-mlfl"
    ),
    "MLflow's login page": Broken(
        lambda world: world.cluster.routes.update({("GET", f"{ML}/experiments/search"): (200, PAGE)}),
        ("MLflow",),
        "a page instead of JSON",
    ),
    "MLflow breaks off": Broken(
        lambda world: world.answers(f"{ML}/experiments/search", {}, status=42),  # No status that HTTP has.
        ("MLflow",),
        "breaks off: ",
    ),
    "no MLflow": Broken(lambda world: world.lacks(f"{ML}/experiments/search"), ("MLflow",), "has no MLflow API (404)"),
}


@cases(BROKEN)
def test_the_cause_is_named_and_no_other(world: World, broken: Broken) -> None:
    check_named(world, broken, without=("store", "scratch"))


def test_a_user_left_empty_is_noted_where_mlflow_asks_for_none(world: World) -> None:
    world.has_secret("pawline-mlflow", {"MLFLOW_TRACKING_USERNAME": "", "MLFLOW_TRACKING_PASSWORD": ""})
    world.answers(f"{ML}/experiments/search", {})
    [found] = [each for each in world.examine(without=("store", "scratch")) if each.state != "well"]
    assert (found.state, "right only where MLflow has no users" in found.sentence) == ("note", True)


def test_an_mlflow_open_to_all_is_noted(world: World) -> None:
    world.answers(f"{ML}/experiments/search", {})
    [found] = [each for each in world.examine() if each.state != "well"]
    assert (found.subject, found.state, "MLflow without auth" in found.sentence) == ("MLflow users", "note", True)
