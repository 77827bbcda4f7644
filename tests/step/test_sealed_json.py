"""Whatever bit flips in a sealed object, it is refused, or what is read is what was written."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.step.files import json_text
from components.step.sealed_json import DIGEST, sealed, unsealed
from tests.step.test_strict_json import JSON
from tests.support.flips import flipped

OBJECTS = st.dictionaries(st.text().filter(lambda name: name != DIGEST), JSON, max_size=4)


@given(OBJECTS)
def test_what_was_sealed_comes_back(values: dict[str, Any]) -> None:
    text = json_text(sealed(values))
    assert unsealed(text, ()) == unsealed(text.encode(), ()) == values
    assert unsealed(json.dumps(sealed(values)), ()) == values, "form does not count"


def test_every_flipped_bit_is_refused_or_changes_nothing() -> None:
    values = {"blocks": "00ff", "names": ["a", "ä"], "size": 12, "ratio": 0.1, "digests": {"x": None}}
    data, refused = json_text(sealed(values)).encode(), 0
    for damaged in flipped(data):
        try:
            assert unsealed(damaged, values) == values
        except ValueError:
            refused += 1
    assert refused > 0.95 * 8 * len(data)


def test_one_of_before_digests_is_read_and_may_have_no_other_names() -> None:
    assert unsealed('{"a": 1}', ("a", "b")) == {"a": 1}
    with pytest.raises(ValueError, match="unknown name 'digesu'"):
        unsealed('{"a": 1, "digesu": ""}', ("a", "b"))


@pytest.mark.parametrize("text", ["[]", "1", "null", '"x"', "", "{", '{"a": 1, "a": 1}'])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"object|JSON|Expecting|twice"):
        unsealed(text, ("a",))
