"""One label per image: who disagrees, who outvotes whom, and that no order matters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.extract.agreement import Agreed, agree, settled
from components.extract.annotations import Annotation
from components.extract.bad_samples import MUST_AGREE, MUST_BE_IN_A_SPLIT, BadSample, Rejections
from components.step.errors import DataError, UsageError


def votes(*labels: str) -> list[Annotation]:
    """One annotation of the same image by each of as many annotators."""
    return [Annotation("a.png", label, f"annotator {index}") for index, label in enumerate(labels)]


@pytest.mark.parametrize(
    ("labels", "agreed"),
    [
        (["cat"], "cat"),
        (["cat", "cat"], "cat"),
        (["cat", "cat", "dog"], "cat"),
        (["dog", "cat", "dog", "dog"], "dog"),
        (["cat", "cat", "cat", "dog", "owl"], "cat"),
        (["cat", "dog"], None),
        (["cat", "dog", "owl"], None),
        (["cat", "cat", "dog", "dog"], None),
        (["cat", "cat", "dog", "owl"], None),
        (["cat", "cat", "dog", "dog", "owl"], None),
    ],
)
def test_more_than_half_of_three_or_more_is_an_agreement(labels: list[str], agreed: str | None) -> None:
    expected = [Agreed("a.png", agreed, "")] if agreed else []
    found, bad = agree(votes(*labels))
    assert found == expected
    assert [(b.rule, b.sample_id) for b in bad] == ([] if agreed else [(MUST_AGREE, "a.png")])


def test_a_disagreement_says_which_labels() -> None:
    _, bad = agree(votes("dog", "cat"))
    assert bad == [BadSample(MUST_AGREE, "a.png", "is cat and dog")]


def test_the_later_annotation_of_the_same_annotator_counts() -> None:
    corrected = [Annotation("a.png", "cat", "ann", 10), Annotation("a.png", "dog", "ann", 20)]
    assert agree(corrected)[0] == agree(corrected[::-1])[0] == [Agreed("a.png", "dog", "")]


def test_an_annotator_who_said_the_same_twice_has_one_vote() -> None:
    stuffed = [Annotation("a.png", "cat", "ann", 1)] * 5 + [Annotation("a.png", "dog", "bob", 1)]
    assert [b.sample_id for b in agree(stuffed)[1]] == ["a.png"]


def test_annotations_without_author_and_time_that_contradict_each_other_are_no_agreement() -> None:
    # As in the course's bare list, where the order of the lines used to decide.
    assert [b.sample_id for b in agree([Annotation("a.png", "cat"), Annotation("a.png", "dog")])[1]] == ["a.png"]


def test_the_group_of_the_annotation_file_is_kept() -> None:
    rows = [Annotation("a.png", "cat", "2", group="doc 2"), Annotation("a.png", "cat", "3", group="doc 1")]
    assert agree(rows)[0] == [Agreed("a.png", "cat", "doc 1")]


def test_samples_come_in_the_order_of_their_names() -> None:
    names = ["b.png", "a.png", "a/b.png", "B.png", "é.png"]
    assert [a.sample_id for a in agree(Annotation(name, "cat") for name in names)[0]] == sorted(names)


ANNOTATIONS = st.lists(
    st.builds(
        Annotation,
        file_name=st.sampled_from("ab"),
        label=st.sampled_from(["cat", "dog", "owl"]),
        annotator=st.sampled_from(["", "ann", "bob", "eve"]),
        created=st.integers(0, 2),
        group=st.sampled_from(["", "g", "h"]),
    ),
    max_size=12,
)


@given(ANNOTATIONS.flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))))
def test_no_order_matters_and_each_image_is_agreed_or_bad(pair: tuple[list[Annotation], list[Annotation]]) -> None:
    agreed, bad = agree(pair[0])
    assert (agreed, bad) == agree(pair[1])
    assert sorted([a.sample_id for a in agreed] + [b.sample_id for b in bad]) == sorted({a.file_name for a in pair[0]})


def bad_samples(count: int) -> list[BadSample]:
    return [BadSample(MUST_AGREE, f"{index:03}.png", "is cat and dog") for index in range(count)]


def test_fail_names_the_rule_the_first_ten_and_their_number_in_one_line() -> None:
    with pytest.raises(DataError) as caught:
        Rejections("fail").add(bad_samples(25)[::-1])
    message = str(caught.value)
    assert MUST_AGREE in message
    assert "first 10 of 25" in message
    assert [f"{index:03}.png" in message for index in range(25)] == [True] * 10 + [False] * 15
    assert "on_bad_sample=drop" in message
    assert len(message.splitlines()) == 1


def test_fail_stays_short_and_on_one_line_whatever_the_names_are() -> None:
    with pytest.raises(DataError) as caught:
        Rejections("fail").add([BadSample(MUST_AGREE, "\n" + "👍" * 5000, "is\r" * 5000)] * 50)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 2000


def test_drop_collects_and_fail_with_none_goes_on() -> None:
    dropping, failing = Rejections("drop"), Rejections("fail")
    dropping.add(bad_samples(2))
    dropping.add(bad_samples(1))
    failing.add([])
    assert (len(dropping.bad), failing.bad) == (3, [])


@pytest.mark.parametrize("value", ["", "FAIL", "ignore", "a\nb", "x" * 5000])
def test_other_ways_to_treat_bad_samples_are_refused(value: str) -> None:
    with pytest.raises(UsageError, match="fail or drop") as caught:
        Rejections(value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_what_does_not_count_of_several_annotations_is_said() -> None:
    several = [
        *(Annotation("replaced.png", label, "ann", created) for created, label in enumerate(("cat", "dog"))),
        *(Annotation("outvoted.png", label, who) for who, label in (("ann", "cat"), ("bob", "cat"), ("eve", "dog"))),
        *(Annotation("grouped.png", "cat", who, 0, group) for who, group in (("ann", "g"), ("bob", "h"))),
        Annotation("plain.png", "cat", "ann"),
        *[Annotation("twice.png", "cat", "ann")] * 2,
    ]
    notes = settled(several)
    assert [name for note in notes for name in ("replaced", "outvoted", "grouped") if f"{name}.png" in note] == [
        *("outvoted", "replaced", "grouped"),
    ]
    assert settled(several[-3:]) == []


def test_an_image_in_two_splits_is_bad() -> None:
    rows = [Annotation("a.png", "cat", "2", split="train"), Annotation("a.png", "cat", "3", split="test")]
    assert agree(rows) == ([], [BadSample(MUST_BE_IN_A_SPLIT, "a.png", "is in test and train")])
    assert agree(rows[:1])[0] == [Agreed("a.png", "cat", "", "train")]


@pytest.mark.parametrize(("left", "advised"), [(0, False), (1, False), (2, True), (9, True)])
def test_drop_is_only_advised_where_it_would_help(left: int, advised: bool) -> None:
    with pytest.raises(DataError) as caught:
        Rejections("fail").add(bad_samples(3), left)
    assert ("drop" in str(caught.value)) == advised
