"""A name twice in one object of a request is found, as Python's own reader would find it."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.serve.oip.names import MOST_NAMES, has_each_name_once

TEXTS = st.text(st.sampled_from('ab":\\{}[],ä\n '), max_size=6)
REQUESTS = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS.filter(lambda n: n != "data"), inner, max_size=3),
    max_leaves=20,
)


@given(REQUESTS, st.sampled_from([None, 1]), st.booleans())
def test_what_has_each_name_once_passes_in_any_form(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    assert has_each_name_once(text, orjson.loads(text))


@given(st.dictionaries(TEXTS, REQUESTS, min_size=1, max_size=3), st.data())
def test_a_name_twice_does_not_wherever_it_is(values: dict[str, Any], data: Any) -> None:
    name = data.draw(st.sampled_from(sorted(values)))
    twice = f"{json.dumps(values)[:-1]} , {json.dumps(name)} : 0}}"
    for text in (twice, f'{{"inputs": [{twice}]}}', f'{{"x": {{"y": [[{twice}], "a"]}}}}'):
        assert not has_each_name_once(text.encode(), orjson.loads(text))


@pytest.mark.parametrize("text", ['{"a":1,"\\u0061":2}', '{"inputs":[{"data":[1],"data":[2]}]}', '{"data":[{"b":1}]}'])
def test_other_spellings_of_it_and_objects_in_tensors_do_not(text: str) -> None:
    assert not has_each_name_once(text.encode(), orjson.loads(text))


def test_more_names_than_a_request_can_have_do_not() -> None:
    text = orjson.dumps({str(number): 0 for number in range(MOST_NAMES + 1)})
    assert not has_each_name_once(text, orjson.loads(text))


def test_deep_ones_pass() -> None:
    text = b'{"a":' * 1000 + b"1" + b"}" * 1000
    assert has_each_name_once(text, orjson.loads(text))
