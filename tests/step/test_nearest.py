"""What may have been meant by a name that is not known; and that every place which knows names says it so."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.step.nearest import did_you_mean, nearest

ROOT = Path(__file__).parents[2]
NETWORKS = ["efficientnet_lite0", "small_cnn", "efficientnetb0", "resnet50", "resnet101"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("efficientnet", ["efficientnet_lite0", "efficientnetb0"]),  # What begins so, in the order given.
        ("EfficientNet-Lite", ["efficientnet_lite0"]),
        ("efficientnetlite0", ["efficientnet_lite0"]),
        ("resnt50", ["resnet50", "resnet101"]),
        ("cnn", ["small_cnn"]),  # A part of it.
        ("r", []),
        ("", []),
        ("convolution", []),
    ],
)
def test_what_begins_so_comes_first_then_what_is_alike_then_what_has_it_as_a_part(name: str, found: list[str]) -> None:
    assert nearest(name, NETWORKS, most=2)[: len(found)] == found
    assert bool(nearest(name, NETWORKS)) == bool(found)


def test_it_is_said_in_words() -> None:
    assert did_you_mean("resnet", NETWORKS, most=2) == "Did you mean resnet50 or resnet101? "
    assert did_you_mean("trian", ["train"]) == "Did you mean train? "
    assert did_you_mean("x", ["train"]) == did_you_mean("train", []) == ""


@given(st.lists(st.text(max_size=8), max_size=6), st.text(max_size=8), st.integers(1, 3))
def test_what_is_named_is_known_and_nothing_twice(known: list[str], name: str, most: int) -> None:
    found = nearest(name, known, most)
    assert set(found) <= set(known)
    assert len(found) == len(set(found)) <= most
    if name in known and len(name) > 2:
        assert found


def test_nobody_looks_for_near_names_in_another_way() -> None:
    modules = [path for folder in ("components", "pipeline") for path in (ROOT / folder).rglob("*.py")]
    users = {path.name for path in modules if re.search(r"\bdifflib\b", path.read_text(encoding="utf-8"))}
    assert users == {"nearest.py"}


def test_whoever_refuses_a_name_for_another_one_has_a_suggestion() -> None:
    """Whatever says "must be one of" knows all the names, so it can say the nearest, too."""
    modules = [path for folder in ("components", "pipeline") for path in (ROOT / folder).rglob("*.py")]
    texts = {path: path.read_text(encoding="utf-8") for path in modules}
    refusing = {path.name for path, text in texts.items() if "must be one of" in text}
    suggesting = {path.name for path, text in texts.items() if "did_you_mean" in text}
    # Programs fill in these two: a labelling tool, and clients of the protocol.
    assert refusing - suggesting <= {"ecotag.py", "request.py"}
