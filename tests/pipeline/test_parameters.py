"""Parameters given as name=value, against the types in the compiled pipeline."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.step.errors import UsageError
from pipeline.compilation import COMPILED_PIPELINE
from pipeline.compiled import Parameter, load_pipeline
from pipeline.parameters import parse_parameters
from tests.support.fake_pipeline import DECLARED


@pytest.mark.parametrize(
    ("assignment", "value"),
    [
        ("text=a=b, c", "a=b, c"),
        ("text=", ""),
        ("count=-7", -7),
        ("rate=1e-3", 0.001),
        ("rate=2", 2.0),
        ("flag=true", True),
        ("flag=False", False),
        ('labels={"gpu": "a100"}', {"gpu": "a100"}),
        ("tolerations=[]", []),
    ],
)
def test_each_type_is_read(assignment: str, value: Any) -> None:
    name = assignment.partition("=")[0]
    assert parse_parameters([assignment], DECLARED)[name] == value


def test_what_is_not_given_has_its_default() -> None:
    assert parse_parameters(["count=4"], DECLARED) == {
        "text": "",
        "count": 4,
        "rate": 0.5,
        "flag": False,
        "labels": {},
        "tolerations": [],
    }


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("count=1.5", "count must be an integer. Received: count='1.5'."),
        ("count=", "count must be an integer. Received: count=''."),
        ("rate=nan", "rate must be a number. Received: rate='nan'."),
        ("rate=inf", "rate must be a number."),
        ("flag=yes", "flag must be true or false. Received: flag='yes'."),
        ("labels=[]", "labels must be a JSON object. Received: labels='[]'."),
        ("labels={", "labels must be a JSON object."),
        ('labels={"a": NaN}', "labels must be a JSON object."),
        ('labels={"a": 1e999}', "labels must be a JSON object."),
        ("tolerations=" + "[" * 100_000, "tolerations must be a JSON list."),
        ("count=" + "9" * 5000, "count must be an integer."),
        ("text=\udcff", "text must be text."),
        ("tolerations={}", "tolerations must be a JSON list."),
        ("count", "A parameter is given as name=value. Received: 'count'."),
        ("=5", "A parameter must be one of the pipeline's. Received: ''."),
    ],
)
def test_another_type_is_refused_in_one_line(assignment: str, said: str) -> None:
    with pytest.raises(UsageError) as refusal:
        parse_parameters([assignment], DECLARED)
    assert str(refusal.value).startswith(said)
    assert "\n" not in str(refusal.value)
    assert refusal.value.exit_code == 2


def test_an_unknown_name_is_refused_with_the_nearest_and_all_legal_ones() -> None:
    pipeline = load_pipeline(COMPILED_PIPELINE)
    with pytest.raises(UsageError) as refusal:
        parse_parameters(["epoch=3"], pipeline.parameters)
    message = str(refusal.value)
    assert "Received: 'epoch'. Did you mean epochs?" in message
    assert all(name in message for name in pipeline.parameters)


def test_a_parameter_given_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="count twice"):
        parse_parameters(["count=1", "count=2"], DECLARED)


def test_a_parameter_without_default_must_be_given() -> None:
    with pytest.raises(UsageError, match="no text"):
        parse_parameters([], {"text": Parameter("STRING", None, "")})


texts = st.text(st.characters(exclude_categories=["Cs"]))
json_objects = st.dictionaries(texts, st.none() | st.booleans() | st.integers() | texts, max_size=4)


@given(st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts, json_objects)
def test_what_is_written_is_read_back(count: int, rate: float, text: str, labels: dict[str, Any]) -> None:
    assignments = [f"count={count}", f"rate={rate!r}", f"text={text}", f"labels={json.dumps(labels)}"]
    values = parse_parameters(assignments, DECLARED)
    assert (values["count"], values["rate"], values["text"], values["labels"]) == (count, rate, text, labels)


@given(st.text())
def test_any_text_is_read_or_refused(assignment: str) -> None:
    # Anything but a UsageError would fail here.
    with suppress(UsageError):
        assert parse_parameters([assignment], DECLARED).keys() == DECLARED.keys()


def test_an_assignment_wins_over_the_file_and_the_file_over_the_default() -> None:
    values = parse_parameters(["count=1"], DECLARED, {"count": 2, "text": "file"})
    assert (values["count"], values["text"], values["rate"]) == (1, "file", 0.5)
