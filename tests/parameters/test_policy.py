"""The promotion policy: read with care, refused in one line with the nearest legal name."""

import re
from dataclasses import asdict, fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.parameters.policy import READERS, PromotionPolicy, read_policy
from components.step.errors import DataError, PawlineError, UsageError

ROOT = Path(__file__).parents[2]


def test_no_text_is_the_default_policy_and_every_field_has_its_reader():
    assert read_policy("") == read_policy(" ") == read_policy("{}") == PromotionPolicy()
    assert [field.name for field in fields(PromotionPolicy)] == list(READERS)


def test_the_policy_in_the_docs_is_the_default_one_and_names_every_field():
    [text] = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "promotion.md").read_text(), re.DOTALL)
    assert read_policy(text) == PromotionPolicy()
    assert re.findall(r"^(\w+):", text, re.MULTILINE) == list(READERS)


def test_a_policy_is_text_or_lies_somewhere(tmp_path, bucket):
    text = "# ours\nfalse_promotion_rate: 1e-2\nrate_over: champion\nmaximum_size_megabytes: 100\nminimum_samples: 1\n"
    expected = PromotionPolicy(0.01, "champion", minimum_samples=1, maximum_size_megabytes=100.0)
    (tmp_path / "policy.yaml").write_text(text)
    bucket.put({"policies/p.yaml": text.encode()})
    assert read_policy(text) == expected
    assert read_policy(str(tmp_path / "policy.yaml")) == expected
    assert read_policy((tmp_path / "policy.yaml").as_uri()) == expected
    assert read_policy(bucket.uri("policies/p.yaml")) == expected
    assert read_policy("maximum_size_megabytes: none").maximum_size_megabytes is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("minimum_sampels: 3", "line 1: 'minimum_sampels'. Did you mean minimum_samples? Legal: false_promotion_rate"),
        ("zzz: 3", "'zzz'. Legal: false_promotion_rate, rate_over"),
        ("false_promotion_rate: 0", "must be a number above 0 and at most 0.5. Received: false_promotion_rate='0'"),
        ("false_promotion_rate: 0.51", "at most 0.5"),
        ("false_promotion_rate: nan", "at most 0.5"),
        ("class_margin: -0.1", "class_margin must be a number from 0 to 1"),
        ("class_margin: 1e999", "from 0 to 1"),
        ("minimum_samples: 0", "an integer of at least 1"),
        ("minimum_samples: 2.5", "an integer of at least 1"),
        ("minimum_class_samples: -1", "an integer of at least 0"),
        ("maximum_latency_milliseconds: 0", "a number above 0, or none"),
        ("rate_over: week", "comparison or champion"),
        ("class_evidence: [interval]", "Received: class_evidence=a list or mapping"),
        ("class_margin: 0.1\nclass_margin: 0.2", "line 2: class_margin twice"),
        ("class_margin: &a 0.1", "an anchor or alias"),
        ("class_margin: !!python/object/apply:os.system [id]", "a tag"),
        ("class_margin: {", "line 1"),
        ("- class_margin: 1", "something else than"),
        ("class_margin: \ud800", "utf-8"),
    ],
)
def test_what_is_no_policy_is_refused_in_one_line(text, said):
    with pytest.raises(UsageError) as refused:
        read_policy(text)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="must exist"):
        read_policy(str(tmp_path / "absent.yaml"))


@given(st.dictionaries(st.sampled_from(sorted(READERS)), st.floats() | st.integers() | st.text(max_size=5), max_size=4))
def test_whatever_is_given_gives_a_possible_policy_or_one_line(values):
    text = "\n".join(f"{name}: {value}" for name, value in values.items()) or "{}"
    policy, refused = PromotionPolicy(), ""
    try:
        policy = read_policy(text)
    except PawlineError as error:
        refused = str(error)
    assert "\n" not in refused
    assert 0 < policy.false_promotion_rate <= 0.5
    assert all(not isinstance(value, float) or 0 <= value < 1e10 for value in asdict(policy).values())
