"""Whose label counts where annotators disagree: the policies by name."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from components.extract.annotations import Annotation, AnnotationSet
from components.extract.notes import noted
from components.step.errors import DataError, UsageError, first_ten, one_line
from components.step.nearest import did_you_mean, did_you_mean_or_choose

Chosen = Callable[[Sequence[Annotation]], str | None]
ONE = "annotator="


def _majority(of_file: Sequence[Annotation]) -> str | None:
    label, count = Counter(sorted(a.label for a in of_file)).most_common(1)[0]
    enough = count == len(of_file) or (len(of_file) > 2 and 2 * count > len(of_file))
    return label if enough else None


def _unanimous(of_file: Sequence[Annotation]) -> str | None:
    labels = {a.label for a in of_file}
    return next(iter(labels)) if len(labels) == 1 else None


def _newest(of_file: Sequence[Annotation]) -> str | None:
    latest = max(a.created for a in of_file)
    return _unanimous([a for a in of_file if a.created == latest])


POLICIES: Mapping[str, Chosen] = {"majority": _majority, "unanimous": _unanimous, "newest": _newest}


def check_policy(policy: str) -> None:
    """Check that `policy` is one of POLICIES, or names an annotator.

    Raises:
        UsageError: it is not.
    """
    legal = (*POLICIES, f"{ONE}NAME")
    if policy not in POLICIES and not (policy.startswith(ONE) and policy.removeprefix(ONE).strip()):
        received = f"label_policy={one_line(repr(policy), 60)}"
        hint = did_you_mean_or_choose(policy, legal)
        raise UsageError(f"label_policy must be one of {', '.join(legal)}. Received: {received}. {hint}")


def label_by(policy: str) -> Chosen:
    """Return what gives the label of an image by the annotations of it, None where `policy` gives none."""
    return POLICIES.get(policy, _unanimous)


def of_chosen_annotator(annotated: AnnotationSet, policy: str) -> AnnotationSet:
    """Return `annotated` with the annotations of the annotator that `policy` names alone; any other keeps all.

    Raises:
        DataError: there is no such annotator.
    """
    if policy in POLICIES:
        return annotated
    name = policy.removeprefix(ONE)
    kept = [a for a in annotated.annotations if a.annotator == name]
    if not kept:
        known = sorted({a.annotator for a in annotated.annotations})
        raise DataError(
            f"label_policy must name an annotator of the annotations. Received: {one_line(repr(name), 80)}; there are "
            f"{first_ten([repr(one) for one in known])}. {did_you_mean(name, known)}Correct it."
        )
    left = sorted({a.file_name for a in annotated.annotations} - {a.file_name for a in kept})
    notes = [*annotated.notes, *noted(f"Images that {one_line(name, 80)} did not label", left)]
    return replace(annotated, annotations=kept, notes=notes)
