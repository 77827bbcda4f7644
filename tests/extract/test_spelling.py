"""Spelling: one text in two Unicode forms is one, and what looks alike is said or refused with both spellings."""

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.extract.annotations import Annotation, AnnotationSet
from components.extract.spelling import appearance, hints, matched_names, one_spelling

FORMS = ("NFC", "NFD")


def of_labels(*labels: str) -> AnnotationSet:
    return AnnotationSet("csv", [Annotation(f"{number}.png", label) for number, label in enumerate(labels)])


@given(st.text(min_size=1), st.sampled_from(FORMS), st.sampled_from(FORMS))
def test_a_name_is_found_in_whatever_form_it_lies_there(name: str, annotated: str, there: str) -> None:
    stored = unicodedata.normalize(there, name)
    found = matched_names(AnnotationSet("csv", [Annotation(unicodedata.normalize(annotated, name), "cat")]), [stored])
    assert [a.file_name for a in found.annotations] == [stored]


def test_of_two_files_in_both_forms_the_exact_one_counts_and_none_is_guessed() -> None:
    there = ["\u00e9.png", "e\u0301.png", "\u1e69.png", "s\u0323\u0307.png"]
    annotated = AnnotationSet("csv", [Annotation(name, "cat") for name in ("e\u0301.png", "s\u0307\u0323.png")])
    assert matched_names(annotated, there).annotations == annotated.annotations


def test_a_match_in_another_form_is_noted() -> None:
    found = matched_names(AnnotationSet("csv", [Annotation("\u00e9.png", "cat")]), ["e\u0301.png"])
    assert "'\\xe9.png' for 'e\\u0301.png'" in found.notes[0]


def test_a_name_that_is_missing_is_said_with_what_looks_like_it() -> None:
    assert hints(["a.jpg", "x.jpg"], ["A.JPG", "b.jpg"]) == {"a.jpg": ", but 'A.JPG' looks like it"}
    assert hints([], ["A.JPG"]) == {}


@given(st.text(min_size=1).filter(str.strip))
def test_a_label_in_two_forms_is_one_class(label: str) -> None:
    found = one_spelling(of_labels(*(unicodedata.normalize(form, label) for form in FORMS)))
    assert len({a.label for a in found.annotations}) <= 1
    assert found.bad or len(found.annotations) == 2


def test_the_composed_form_is_the_class_and_both_are_named() -> None:
    found = one_spelling(of_labels("the\u0301ie\u0300re", "th\u00e9i\u00e8re"))
    assert {a.label for a in found.annotations} == {"th\u00e9i\u00e8re"}
    assert "the\\u0301ie\\u0300re" in found.notes[0]
    assert "th\\xe9i\\xe8re" in found.notes[0]


def test_class_folders_in_two_forms_are_one_class() -> None:
    found = one_spelling(replace(of_labels("the\u0301", "th\u00e9"), classes=frozenset({"the\u0301", "th\u00e9"})))
    assert found.classes == {a.label for a in found.annotations} == {"th\u00e9"}


@pytest.mark.parametrize("dash", "\u2010\u2011\u2013\u2014\u2212\ufe63\uff0d")
def test_dashes_look_alike(dash: str) -> None:
    found = one_spelling(of_labels("t-shirt", f"t{dash}shirt"))
    assert ascii(dash)[1:-1] in found.notes[0]


def test_a_label_in_one_form_stays_as_it_is() -> None:
    annotated = of_labels("the\u0301", "cup")
    assert one_spelling(annotated) == annotated


@pytest.mark.parametrize(
    "unseen",
    [
        "tea\u00a0cup",
        "tea\u200bcup",
        "tea cup\u200b",
        "tea\u2060 cup",
        "\ufefftea cup",
        "tea\u3000cup",
        "te\u00ada cup",
        "tea\u2800cup",
        "tea cup\U000e0100",
        "tea\u17b4 cup",
        "tea\u180b cup",
    ],
)
def test_labels_that_differ_in_what_nobody_sees_are_bad_samples_with_both_spellings(unseen: str) -> None:
    found = one_spelling(of_labels("tea cup", unseen, "plate"))
    assert [a.label for a in found.annotations] == ["tea cup", "plate"]
    (bad,) = found.bad
    assert bad.detail == f"is {unseen!a}, which looks like 'tea cup'"


@pytest.mark.parametrize("other", ["cup", "CUP", "c up", "\u0441up", "\uff43up"])
def test_labels_that_merely_look_alike_stay_two_classes_and_are_noted(other: str) -> None:
    found = one_spelling(of_labels("Cup", other, "plate"))
    assert [a.label for a in found.annotations] == ["Cup", other, "plate"]
    assert "'Cup'" in found.notes[0]
    assert ascii(other) in found.notes[0]


@given(st.text())
def test_appearance_does_not_depend_on_the_form(text: str) -> None:
    assert appearance(unicodedata.normalize("NFC", text)) == appearance(unicodedata.normalize("NFD", text))
