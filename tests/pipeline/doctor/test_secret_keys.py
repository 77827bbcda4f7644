"""The keys that bundles are signed and verified by: there, under their names, or said before a pod waits for them."""

import pytest

from pipeline.doctor.needs import KeysOf
from tests.support.doctors_world import HERE, World

SIGNING = KeysOf("signing", {"PAWLINE_SIGNING_KEY": "signing.pem"})
SIGNERS = KeysOf("signers", {"PAWLINE_TRUSTED_KEY": "signing.pub"})
PRIVATE = "-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----\n"


def found_of(world: World, subject: str) -> tuple[str, str]:
    [found] = [each for each in world.examine(without=("scratch",)) if each.subject == subject]
    assert "MIGH" not in f"{found.sentence}{found.advice}"
    return found.state, found.sentence


@pytest.mark.parametrize(
    ("values", "state", "says"),
    [
        ({"signing.pem": PRIVATE}, "well", "it has signing.pem"),
        ({"other.pem": PRIVATE}, "wrong", "it has no signing.pem, which train signs by"),
    ],
)
def test_the_private_key(world: World, values: dict[str, str], state: str, says: str) -> None:
    world.wants("train", secrets=(SIGNING,))
    world.has_secret("signing", values)
    assert found_of(world, "secret signing") == (state, says)


@pytest.mark.parametrize(
    ("data", "state", "says"),
    [
        ({"signing.pub": "-----BEGIN PUBLIC KEY-----"}, "well", "it has signing.pub"),
        ({"signing.pub": PRIVATE}, "wrong", "it has no public key under the key signing.pub"),
        ({}, "wrong", "it has no public key under the key signing.pub"),
    ],
)
def test_the_public_key(world: World, data: dict[str, str], state: str, says: str) -> None:
    world.wants("promote", config_maps=(SIGNERS,))
    world.answers(f"{HERE}/configmaps/signers", {"data": data})
    assert found_of(world, "ConfigMap signers") == (state, says)
