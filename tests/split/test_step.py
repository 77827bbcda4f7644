"""split: legal ratios, stratified, whole groups, the same everywhere."""

import hashlib
import itertools
import random
from collections import Counter, defaultdict
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.dataset.samples import SPLITS, Sample, write_split_table
from components.split.assignment import assign_stable
from components.split.step import main, markdown_summary, split_samples
from components.step.errors import DataError, PawlineError, UsageError

RATIOS = {"train": 0.8, "validation": 0.1, "test": 0.1}


def sample(number: int, label: str, group: str | None = None) -> Sample:
    name = f"{number:05}.png"
    return Sample(name, label, group or name, hashlib.sha256(name.encode()).hexdigest(), 28, 28)


def samples_of(**counts: int) -> list[Sample]:
    labels = [label for label, count in counts.items() for _ in range(count)]
    return [sample(number, label) for number, label in enumerate(labels)]


@st.composite
def grouped_samples(draw: st.DrawFn) -> list[Sample]:
    rows = draw(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 25)), min_size=1, max_size=120))
    return [sample(number, label, f"g{group}") for number, (label, group) in enumerate(rows)]


def counts_of(splits: dict) -> dict[str, Counter]:
    return {split: Counter(s.label for s in samples) for split, samples in splits.items()}


def test_ungrouped_classes_are_spread_exactly():
    splits = split_samples(samples_of(cat=40, dog=80, other=10), RATIOS)
    assert counts_of(splits) == {
        "train": {"cat": 32, "dog": 64, "other": 8},
        "validation": {"cat": 4, "dog": 8, "other": 1},
        "test": {"cat": 4, "dog": 8, "other": 1},
    }


def test_three_samples_of_a_class_are_enough():
    splits = split_samples(samples_of(cat=3, dog=50), RATIOS)
    assert [counts_of(splits)[split]["cat"] for split in SPLITS] == [1, 1, 1]


def split_or_message(samples: list[Sample], method: str, seed: int) -> tuple[dict, str]:
    try:
        return split_samples(samples, RATIOS, method=method, seed=seed), ""
    except DataError as error:
        return {}, str(error)


@pytest.mark.parametrize("method", ["stratified", "stable"])
@settings(max_examples=150)
@given(samples=grouped_samples(), seed=st.integers(-3, 10**12), data=st.data())
def test_a_split_is_whole_complete_and_independent_of_order(method, samples, seed, data):
    splits, message = split_or_message(samples, method, seed)
    if message:
        assert "\n" not in message
        assert any(f"{label} " in message for label in {s.label for s in samples})
        return
    assert sorted(s for of_split in splits.values() for s in of_split) == sorted(samples)
    places = defaultdict(set)
    for split, of_split in splits.items():
        assert {s.label for s in of_split} == {s.label for s in samples}
        for s in of_split:
            places[s.group].add(split)
    assert all(len(found) == 1 for found in places.values())
    assert split_samples(data.draw(st.permutations(samples)), RATIOS, method=method, seed=seed) == splits


@pytest.mark.parametrize("seed", [3, 18, 40])
def test_many_classes_in_one_group_do_not_make_the_split_depend_on_the_order(seed):
    """Sums of floating-point numbers in another order chose another trial: of these three, 18 was such a case."""
    chance = random.Random(seed)  # noqa: S311 - an order to try, no secret
    samples = [sample(n, chance.choice("abcdefg"), f"g{chance.randrange(40)}") for n in range(150)]
    expected = split_samples(samples, RATIOS, seed=seed)
    for _ in range(4):
        chance.shuffle(samples)
        assert split_samples(samples, RATIOS, seed=seed) == expected


@settings(max_examples=60)
@given(groups=st.sets(st.text(max_size=20), min_size=1), more=st.sets(st.text(max_size=20)), seed=st.integers())
def test_stable_never_moves_an_old_group(groups, more, seed):
    before = assign_stable(groups, RATIOS, seed)
    after = assign_stable(groups | more, RATIOS, seed)
    assert {group: after[group] for group in groups} == before


def test_stable_meets_the_ratios_on_many_groups():
    counts = Counter(assign_stable(map(str, range(20_000)), RATIOS, 0).values())
    assert counts["test"] == pytest.approx(2000, rel=0.1)
    assert counts["validation"] == pytest.approx(2000, rel=0.1)


@settings(max_examples=300)
@given(
    rows=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5)), min_size=3, max_size=14), seed=st.integers(0, 9)
)
def test_stratified_fails_only_where_no_split_exists(rows, seed):
    samples = [sample(number, label, f"g{group}") for number, (label, group) in enumerate(rows)]
    groups = sorted({s.group for s in samples})
    everywhere = {(s.label, split) for s in samples for split in SPLITS}
    choices = (dict(zip(groups, places, strict=True)) for places in itertools.product(SPLITS, repeat=len(groups)))
    possible = any({(s.label, choice[s.group]) for s in samples} == everywhere for choice in choices)
    try:
        split_samples(samples, RATIOS, seed=seed)
    except DataError:
        assert not possible
    else:
        assert possible


def test_seeds_differ():
    samples = samples_of(cat=40, dog=40)
    tests = {tuple(split_samples(samples, RATIOS, seed=seed)["test"]) for seed in range(5)}
    assert len(tests) == 5


@pytest.mark.parametrize("method", ["stratified", "stable"])
def test_the_tables_are_a_contract(method, tmp_path):
    """Golden: these digests must be the same on every machine and in every later version."""
    samples = [sample(n, "cat" if n % 3 else "dog", f"document{n // 3}") for n in range(120)]
    digest = hashlib.sha256()
    for split, of_split in split_samples(samples, RATIOS, method=method, seed=7).items():
        write_split_table(tmp_path / split, of_split, split)
        digest.update((tmp_path / split).read_bytes())
    assert digest.hexdigest()[:16] == {"stratified": "518fd98903027e59", "stable": "e8b7d4ff2a39088e"}[method]


def test_mixed_groups_leave_no_class_out():
    """Each document holds both classes but for three, which alone hold the rare one."""
    samples = [sample(n, "cat" if n % 2 else "dog", f"document{n // 10}") for n in range(100)]
    samples += [sample(1000 + n, "rare", f"document{n}") for n in range(3)]
    splits = split_samples(samples, RATIOS)
    assert all("rare" in counts for counts in counts_of(splits).values())


def test_a_class_in_too_few_groups_is_named():
    samples = [*samples_of(cat=20), *(sample(100 + n, "dog", "one") for n in range(9))]
    with pytest.raises(DataError, match="dog with 1"):
        split_samples(samples, RATIOS)


@pytest.mark.parametrize("method", ["stratified", "stable"])
@pytest.mark.parametrize("grouped", [False, True])
def test_nobody_without_groups_is_told_of_groups(method: str, grouped: bool):
    scarce = [sample(100 + n, "dog", "document" if grouped else None) for n in range(2)]
    with pytest.raises(DataError) as caught:
        split_samples([*samples_of(cat=20), *scarce], RATIOS, method=method)
    assert ("group" in str(caught.value)) == grouped


def test_a_given_split_is_kept_whole_or_refused():
    given = [replace(s, given_split=SPLITS[n % 3]) for n, s in enumerate(samples_of(cat=9, dog=9))]
    splits = split_samples(given[::-1], RATIOS, method="stable", seed=5)
    assert splits == {split: sorted(s for s in given if s.given_split == split) for split in SPLITS}
    with pytest.raises(DataError, match="in none"):
        split_samples([*given, *samples_of(cat=1)], RATIOS)
    with pytest.raises(DataError, match="absent from test"):
        split_samples([s for s in given if s.given_split != "test"], RATIOS)


def test_stable_names_the_class_that_is_absent():
    with pytest.raises(DataError, match="dog absent from"):
        split_samples(samples_of(cat=500, dog=3), RATIOS, method="stable")


@pytest.mark.parametrize("ratios", [(0.7, 0.2, 0.1), (0.8, 0.1, 0.1 + 1e-9), (0.34, 0.33, 0.33), (1 / 3, 1 / 3, 1 / 3)])
def test_legal_ratios(ratios):
    assert split_samples(samples_of(a=30, b=30), dict(zip(SPLITS, ratios, strict=True)))


@pytest.mark.parametrize(
    "ratios",
    [
        (0.8, 0.1, 0.0),
        (0.8, 0.3, -0.1),
        (0.7, 0.1, 0.1),
        (1.0, 0.1, 0.1),
        (float("nan"), 0.5, 0.5),
        (float("inf"), 1, 1),
    ],
)
def test_illegal_ratios(ratios):
    with pytest.raises(UsageError, match=r"between 0 and 1 and sum to 1\. Received: train_ratio="):
        split_samples(samples_of(a=30, b=30), dict(zip(SPLITS, ratios, strict=True)))


def test_an_unknown_method_is_refused():
    with pytest.raises(UsageError, match="split_method='random'"):
        split_samples(samples_of(a=30, b=30), RATIOS, method="random")


@given(label=st.text(min_size=1, max_size=50))
def test_no_label_breaks_the_summary(label):
    rows = markdown_summary({split: [sample(0, label)] for split in SPLITS}).splitlines()
    assert len(rows) == 7
    assert {row.count("|") for row in rows[2:]} == {5}
    assert "<" not in rows[4]


def test_the_command_refuses_bad_ratios_before_reading(tmp_path, capsys):
    places = [
        f"--{name}={tmp_path / name}" for name in ("train-samples", "validation-samples", "test-samples", "summary")
    ]
    assert main(["--dataset-uri", str(tmp_path / "absent"), "--train-ratio", "0.7", *places]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("pawline split: error: The ratios must each")
    assert list(tmp_path.iterdir()) == []


def test_the_command_names_an_absent_dataset(tmp_path, capsys):
    places = [
        f"--{name}={tmp_path / name}" for name in ("train-samples", "validation-samples", "test-samples", "summary")
    ]
    assert main(["--dataset-uri", str(tmp_path / "absent"), *places]) == PawlineError.exit_code
    assert "dataset.json" in capsys.readouterr().err.splitlines()[-1]
