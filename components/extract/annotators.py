"""How far annotators agree: as a whole, two by two, one by one, and which class is taken for which.

Krippendorff's alpha for names without an order, which takes any number of annotators of whom each labelled what he
labelled; with two of them, and Cohen's kappa. The libraries for them are under the GPL, or bring all of SciPy.
K. Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability".
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from components.extract.annotations import Annotation, by_file

MOST_SHOWN = 20  # Annotators, pairs, classes and confusions each.


@dataclass(frozen=True, slots=True)
class Share:
    """Of `of` labels, those of `name`, `agreeing` are the ones that count in the end."""

    name: str
    agreeing: int
    of: int


@dataclass(frozen=True, slots=True)
class Pair:
    """Two annotators: how many images both labelled, how often alike, and Cohen's kappa, None where it is undefined."""

    one: str
    other: str
    images: int
    alike: int
    kappa: float | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """What there is to say of `images` that several annotators labelled; `confusions` are label, label and times."""

    images: int
    disputed: int
    alpha: float | None
    annotators: Sequence[Share]
    classes: Sequence[Share]
    pairs: Sequence[Pair]
    confusions: Sequence[tuple[str, str, int]]


def agreement_of(annotations: Iterable[Annotation], labels: Mapping[str, str]) -> Agreement | None:
    """Return how far the annotators of `annotations` agree, None where no image has two of them.

    `labels` are those that count, by image; where there is none, nobody agrees with it.
    """
    several = {name: found for name, found in by_file(annotations) if len({a.annotator for a in found}) > 1}
    if not several:
        return None
    names = {a.annotator for found in several.values() for a in found}
    counted = [Counter(a.label for a in found) for found in several.values()]
    # In a CSV without annotators each row counts as one's, of whom there is nothing to say.
    people = names if len(names) < len(several) else set[str]()
    return Agreement(
        images=len(several),
        disputed=sum(len(labels_of) > 1 for labels_of in counted),
        alpha=krippendorff_alpha(counted),
        annotators=_shares(several, labels, "annotator") if people else [],
        classes=_shares(several, labels, "label"),
        pairs=_pairs(several) if people else [],
        confusions=_confusions(counted),
    )


def krippendorff_alpha(units: Sequence[Counter[str]]) -> float | None:
    """Return alpha for `units`, how often each label was given to an image; None where one label is all there is."""
    paired = [unit for unit in units if unit.total() > 1]
    totals = sum(paired, Counter[str]())
    n = totals.total()
    alike = sum(count * (count - 1) / (unit.total() - 1) for unit in paired for count in unit.values())
    by_chance = sum(count * (count - 1) for count in totals.values())
    possible = n * (n - 1) - by_chance
    return ((n - 1) * alike - by_chance) / possible if possible else None


def cohen_kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Return kappa for `pairs`, what two annotators said of the same images; None where chance explains all."""
    n = len(pairs)
    one, other = (Counter(labels) for labels in zip(*pairs, strict=True))
    by_chance = sum(one[label] * other[label] for label in one) / n**2
    alike = sum(a == b for a, b in pairs) / n
    return (alike - by_chance) / (1 - by_chance) if by_chance < 1 else None


def _shares(several: Mapping[str, Sequence[Annotation]], labels: Mapping[str, str], by: str) -> list[Share]:
    all_, agreeing = Counter[str](), Counter[str]()
    for name, found in several.items():
        for annotation in found:
            key = getattr(annotation, by)
            all_[key] += 1
            agreeing[key] += annotation.label == labels.get(name)
    rows = [Share(key, agreeing[key], count) for key, count in all_.items()]
    return sorted(rows, key=lambda row: (row.agreeing / row.of, -row.of, row.name))[:MOST_SHOWN]


def _pairs(several: Mapping[str, Sequence[Annotation]]) -> list[Pair]:
    both: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for found in several.values():
        for one, other in combinations(sorted(found, key=lambda a: a.annotator), 2):
            if one.annotator != other.annotator:
                both.setdefault((one.annotator, other.annotator), []).append((one.label, other.label))
    rows = [Pair(*names, len(said), sum(a == b for a, b in said), cohen_kappa(said)) for names, said in both.items()]
    return sorted(rows, key=lambda row: (row.alike / row.images, -row.images, row.one, row.other))[:MOST_SHOWN]


def _confusions(units: Sequence[Counter[str]]) -> list[tuple[str, str, int]]:
    found: Counter[tuple[str, str]] = Counter()
    for unit in units:
        for one, other in combinations(sorted(unit), 2):
            found[one, other] += unit[one] * unit[other]
    return [(*names, times) for names, times in sorted(found.items(), key=lambda item: (-item[1], item[0]))][
        :MOST_SHOWN
    ]
