"""How far annotators agree, by published and by a library's figures, and whose label counts under each policy."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from components.extract.agreement import agree
from components.extract.annotations import Annotation, AnnotationSet
from components.extract.annotators import Share, agreement_of, cohen_kappa, krippendorff_alpha
from components.extract.policy import check_policy, of_chosen_annotator
from components.step.errors import DataError, UsageError
from tests.support.annotation_files import annotation, assert_one_line, project
from tests.support.extraction import extract_arguments, run_extract
from tests.support.generated import image_bytes, write_files

# K. Krippendorff (2011), section C: four observers, twelve units, nominal data; alpha is 0.743.
PUBLISHED = ["1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3", ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 ."]


def test_alpha_is_the_published_one() -> None:
    columns = zip(*(row.split() for row in PUBLISHED), strict=True)
    units = [Counter(value for value in column if value != ".") for column in columns]
    assert krippendorff_alpha(units) == pytest.approx(0.743, abs=0.0005)


LABEL = st.sampled_from(["cat", "dog", "owl"])


@given(st.lists(st.tuples(LABEL, LABEL), min_size=1, max_size=30))
def test_kappa_is_that_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    found = cohen_kappa(pairs)
    if len({label for pair in pairs for label in pair}) == 1:
        assert found is None
    else:
        assert found == pytest.approx(cohen_kappa_score(*zip(*pairs, strict=True)))


@given(st.lists(st.lists(LABEL, max_size=5), max_size=12))
def test_alpha_is_at_most_1_and_1_only_where_all_agree(said: list[list[str]]) -> None:
    alpha = krippendorff_alpha([Counter(labels) for labels in said])
    paired = [labels for labels in said if len(labels) > 1]
    if len({label for labels in paired for label in labels}) < 2:
        assert alpha is None
    else:
        assert alpha is not None
        assert alpha <= 1
        assert (alpha == pytest.approx(1)) == all(len(set(labels)) == 1 for labels in paired)


SAID = [
    *(Annotation("1.png", "cat", who) for who in ("ann", "bob", "cid")),
    *(Annotation("2.png", label, who) for who, label in (("ann", "dog"), ("bob", "cat"), ("cid", "dog"))),
    *(Annotation("3.png", label, who) for who, label in (("ann", "dog"), ("bob", "cat"))),
    Annotation("4.png", "owl", "ann"),
]


def test_each_annotator_each_class_and_each_two_are_counted() -> None:
    found = agreement_of(SAID, {a.sample_id: a.label for a in agree(SAID)[0]})
    assert found is not None
    assert (found.images, found.disputed) == (3, 2)
    assert found.annotators == []  # As many annotators as images: as rows of a CSV are.
    more = [*SAID, *(Annotation("5.png", "owl", who) for who in ("ann", "bob"))]
    found = agreement_of(more, {a.sample_id: a.label for a in agree(more)[0]})
    assert found is not None
    assert found.annotators == [Share("bob", 2, 4), Share("ann", 3, 4), Share("cid", 2, 2)]
    assert found.classes == [Share("cat", 3, 5), Share("dog", 2, 3), Share("owl", 2, 2)]
    assert [(p.one, p.other, p.images, p.alike) for p in found.pairs] == [
        ("ann", "bob", 4, 2),
        ("bob", "cid", 2, 1),
        ("ann", "cid", 2, 2),
    ]
    assert found.confusions == [("cat", "dog", 3)]


def test_one_annotator_agrees_with_nobody() -> None:
    assert agreement_of([Annotation("1.png", "cat", "ann"), Annotation("2.png", "cat", "bob")], {}) is None


@pytest.mark.parametrize(
    ("policy", "labels"),
    [
        ("majority", {"1.png": "cat", "2.png": "dog", "4.png": "owl"}),
        ("unanimous", {"1.png": "cat", "4.png": "owl"}),
        ("newest", {"1.png": "cat", "4.png": "owl"}),
        ("annotator=bob", {"1.png": "cat", "2.png": "cat", "3.png": "cat"}),
    ],
)
def test_each_policy_says_whose_label_counts(policy: str, labels: dict[str, str]) -> None:
    chosen = of_chosen_annotator(AnnotationSet("x", SAID), policy)
    agreed, bad = agree(chosen.annotations, policy)
    assert {a.sample_id: a.label for a in agreed} == labels
    assert {b.sample_id for b in bad} == {a.file_name for a in chosen.annotations} - labels.keys()


def test_the_newest_label_counts_whoever_gave_it() -> None:
    said = [
        Annotation("1.png", "cat", "ann", 5),
        Annotation("1.png", "dog", "bob", 7),
        Annotation("1.png", "cat", "c", 6),
    ]
    assert [a.label for a in agree(said, "newest")[0]] == ["dog"]
    tied = [*said, Annotation("1.png", "owl", "d", 7)]
    assert [str(bad) for bad in agree(tied, "newest")[1]] == ["1.png is cat and dog and owl"]


def test_an_annotator_who_is_none_of_them_is_refused_with_those_there_are() -> None:
    with pytest.raises(DataError, match="Did you mean ann") as caught:
        of_chosen_annotator(AnnotationSet("x", SAID), "annotator=Ann ")
    assert_one_line(caught.value)


@given(st.text())
def test_any_policy_is_legal_or_refused_in_one_line(policy: str) -> None:
    try:
        check_policy(policy)
    except UsageError as error:
        assert_one_line(error)
    else:
        assert policy in ("majority", "unanimous", "newest") or policy.startswith("annotator=")


def test_extract_takes_the_policy_and_reports_the_agreement(tmp_path: Path) -> None:
    write_files(tmp_path / "images", {f"{i}.png": image_bytes(i) for i in range(6)})
    said = [annotation(f"{i}.png", "cat" if i % 2 else "dog", "ann") for i in range(6)]
    said += [annotation(f"{i}.png", "cat" if i else "owl", "<b>bob") for i in range(5)]
    (tmp_path / "export.json").write_text(json.dumps(project(*said)))
    arguments = extract_arguments(tmp_path, tmp_path / "export.json", tmp_path / "images", tmp_path / "store")
    assert run_extract(arguments).code == 1
    outcome = run_extract([*arguments, "--label-policy", "annotator=ann"])
    assert [s.label for s in outcome.dataset().samples()] == ["dog", "cat"] * 3
    report = (tmp_path / "report.html").read_text()
    assert "Krippendorff" in report
    assert "&lt;b&gt;bob" in report
    assert "<b>bob" not in report
    only = run_extract([*arguments, "--label-policy", "annotator=<b>bob"])
    assert "Images that <b>bob did not label: 5.png (1 in all)." in only.stderr
