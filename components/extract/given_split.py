"""Images that come split into train, validation and test already: refused, merged or kept as they are."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from components.dataset.samples import SPLITS, Split
from components.extract.annotations import Annotation, AnnotationSet
from components.extract.bad_samples import MUST_BE_IN_A_SPLIT, BadSample
from components.parameters.choices import check_one_of
from components.step.errors import DataError

CHOICES = ("refuse", "merge", "keep")
_NAMES: dict[Split, tuple[str, ...]] = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "eval", "evaluation"),
    "test": ("test", "testing", "holdout", "hold-out", "hold_out"),
}
_BY_NAME = {name: split for split, names in _NAMES.items() for name in names}
# As in training_set, test-images, val2017, train_1 and img_train.
_AROUND = r"(?:data|dataset|images?|imgs?|set|split|[0-9]+)"
_CALLED = re.compile(rf"(?:{_AROUND}[ _-]*)*({'|'.join(_BY_NAME)})(?:[ _-]*{_AROUND})*")
# As in seg_train beside seg_test: a word of a name that is one of several alike.
_WORD = re.compile(rf"(?<![^\W_])({'|'.join(_BY_NAME)})(?![^\W_])")


def split_called(name: str) -> Split | None:
    """Return the split that `name` is a usual name of, None for any other word."""
    found = _CALLED.fullmatch(name.strip().casefold())
    return _BY_NAME[found[1]] if found else None


def splits_among(names: Iterable[str]) -> dict[str, Split]:
    """Return which of `names`, of folders beside each other, are those of splits: usual ones, or alike but for that."""
    names = list(names)
    alike: dict[str, dict[str, Split]] = {}
    for name in names:
        if found := _WORD.search(name.casefold()):
            alike.setdefault(_WORD.sub("", name.casefold(), count=1), {})[name] = _BY_NAME[found[1]]
    several = [group for group in alike.values() if len(set(group.values())) > 1]
    usual = {name: split for name in names if (split := split_called(name))}
    return {name: split for group in (*several, usual) for name, split in group.items()}


def check_given_split(choice: str) -> None:
    """Check that `choice` is one of CHOICES.

    Raises:
        UsageError: it is not.
    """
    check_one_of("given_split", "given_split=", choice, CHOICES)


def treated(annotated: AnnotationSet, choice: str) -> AnnotationSet:
    """Return `annotated` as `choice` has it: with no split, or every annotation with one.

    Raises:
        DataError: there is a split that was not to be expected, or none, or not all three, where one is to be kept.
    """
    if choice == "keep":
        return _kept(annotated)
    if not annotated.given_split:
        return annotated
    if choice == "refuse":
        raise DataError(
            f"Images that are split already must not be split again unasked. Received: {annotated.given_split}. "
            "Set given_split=merge to split them anew, or given_split=keep to train and test with this split."
        )
    counts = Counter(annotation.split for annotation in annotated.annotations)
    merged = [replace(annotation, split="") for annotation in annotated.annotations]
    note = f"The given split was merged: {annotated.given_split}; {_in_words(counts)}."
    return replace(annotated, annotations=merged, notes=[*annotated.notes, note])


def _kept(annotated: AnnotationSet) -> AnnotationSet:
    counts = Counter(annotation.split for annotation in annotated.annotations)
    if missing := [split for split in SPLITS if not counts[split]]:
        raise DataError(
            f"A given split must have {', '.join(SPLITS)}. "
            f"Received: {annotated.given_split or 'images that are not split'}: no image in {', '.join(missing)}. "
            "Add them, or let Pawline split with given_split=merge."
        )
    note = f"The given split is kept: {annotated.given_split}; {_in_words(counts)}."
    in_none = [a for a in annotated.annotations if not a.split]
    return replace(
        annotated,
        annotations=[a for a in annotated.annotations if a.split],
        notes=[*annotated.notes, note],
        bad=[*annotated.bad, *_in_no_split(in_none)],
    )


def _in_no_split(annotations: list[Annotation]) -> list[BadSample]:
    return [BadSample(MUST_BE_IN_A_SPLIT, annotation.file_name, "is in none") for annotation in annotations]


def _in_words(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[split]} in {split or 'none'}" for split in (*SPLITS, "") if counts[split])
