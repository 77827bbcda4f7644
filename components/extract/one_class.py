"""Images of which an export says that they are of several classes, as it labels what is in them."""

from collections.abc import Iterable, Sequence

from components.extract.annotations import Annotation
from components.extract.bad_samples import MUST_BE_OF_ONE_CLASS, BadSample
from components.step.errors import one_line


def one_class_each(annotations: Iterable[Annotation]) -> tuple[list[Annotation], list[BadSample]]:
    """Return `annotations`, each once, without those of images that have several labels, and these as bad samples."""
    labels: dict[str, set[str]] = {}
    each = list(dict.fromkeys(annotations))
    for annotation in each:
        labels.setdefault(annotation.file_name, set()).add(annotation.label)
    several = {name: found for name, found in labels.items() if len(found) > 1}
    bad = [not_one_class(name, sorted(found)) for name, found in sorted(several.items())]
    return [annotation for annotation in each if annotation.file_name not in several], bad


def not_one_class(name: str, labels: Sequence[str]) -> BadSample:
    """Return the image called `name`, to which one annotator gave several `labels`, as a bad sample."""
    words = " and ".join(one_line(label, 60) for label in sorted(set(labels))[:10])
    return BadSample(MUST_BE_OF_ONE_CLASS, name, f"is {words} at once")
