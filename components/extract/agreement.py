"""From annotations to one label per image, and the images whose annotators disagree."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from components.extract.annotations import Annotation, by_file
from components.extract.bad_samples import MUST_AGREE, MUST_BE_IN_A_SPLIT, BadSample
from components.extract.notes import noted
from components.extract.policy import label_by
from components.step.errors import one_line


@dataclass(frozen=True, slots=True)
class Agreed:
    """An image's label that its annotators agree on; `group` and `split` are empty unless they came with the labels."""

    sample_id: str
    label: str
    group: str
    split: str = ""


def agree(annotations: Iterable[Annotation], policy: str = "majority") -> tuple[list[Agreed], list[BadSample]]:
    """Return the agreed labels, and the images whose annotators disagree, both in order of the names.

    One label is an agreement under every `policy`; with `majority` that of more than half of three or more annotators
    is one, too, and with `newest` the label given last.
    """
    agreed, bad, chosen = [], [], label_by(policy)
    for name, of_file in by_file(annotations):
        label = chosen(of_file)
        groups, splits = {a.group for a in of_file if a.group}, {a.split for a in of_file}
        if label is None:
            bad.append(BadSample(MUST_AGREE, name, f"is {_all_of({a.label for a in of_file})}"))
        elif len(splits) > 1:
            bad.append(BadSample(MUST_BE_IN_A_SPLIT, name, f"is in {_all_of({s or 'none' for s in splits})}"))
        else:
            agreed.append(Agreed(name, label, min(groups, default=""), *splits))
    return agreed, bad


def settled(annotations: Iterable[Annotation]) -> list[str]:
    """Return sentences on what was said of an image and does not count: outvoted, replaced, or a second group."""
    annotations = list(annotations)
    count = Counter(annotation.file_name for annotation in annotations)
    several = list(dict.fromkeys(annotation for annotation in annotations if count[annotation.file_name] > 1))
    return [note for kind, names in _settled_by_kind(several).items() for note in noted(kind, list(names))]


def _settled_by_kind(several: Iterable[Annotation]) -> dict[str, dict[str, None]]:
    outvoted, replaced, regrouped = (dict[str, None]() for _ in range(3))
    said = Counter(annotation.file_name for annotation in several)
    for name, latest in by_file(several):
        if len({a.label for a in latest}) > 1:
            outvoted[name] = None
        if len(latest) < said[name]:
            replaced[name] = None
        if len({a.group for a in latest if a.group}) > 1:
            regrouped[name] = None
    return {
        "Images on whose label not all annotators agree": outvoted,
        "Images of which an annotator's earlier label was replaced by his later one": replaced,
        "Images with several groups, of which the first in sorted order counts": regrouped,
    }


def _all_of(words: Iterable[str]) -> str:
    return " and ".join(sorted({one_line(word, 60) for word in words}))
