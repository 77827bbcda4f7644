"""The promote step's report: the verdict, its reasons, the numbers, and the images on which the two differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.dataset.images import thumbnail
from components.dataset.snapshot import Dataset
from components.promote.answers import PairedAnswers
from components.step.files import write_text
from components.step.reports import render_report

MAX_PICTURES = 24
THUMBNAIL_SIZE = 96


@dataclass(frozen=True, slots=True)
class Difference:
    """A sample on which one of the two alone was right; `answer` is what the other said."""

    sample_id: str
    label: str
    answer: str


def write_promotion_report(
    path: Path, dataset: Dataset, answers: PairedAnswers | None, decided: Mapping[str, Any]
) -> None:
    """Write the report to `path`: `decided` is what decision.json holds, the images of `answers` lie in `dataset`."""
    sides = differences(answers) if answers else {}
    shown = {sample.sample_id for samples in sides.values() for sample in samples[:MAX_PICTURES]}
    found = dataset.images([sample for sample in answers.samples if sample.sample_id in shown]) if answers else ()
    pictures = {sample.sample_id: thumbnail(data, THUMBNAIL_SIZE) for sample, data in found}
    html = render_report(
        "promote.html.j2",
        decided=decided,
        evidence=decided["evidence"],
        sides={name: (samples[:MAX_PICTURES], len(samples)) for name, samples in sides.items()},
        pictures=pictures,
    )
    write_text(path, html)


def differences(answers: PairedAnswers) -> dict[str, list[Difference]]:
    """Return the samples on which the challenger alone and the champion alone was right, each sorted by name."""
    sides: dict[str, list[Difference]] = {"challenger": [], "champion": []}
    rows = zip(answers.samples, answers.champion, answers.challenger, strict=True)
    for sample, champion, challenger in sorted(rows):
        if champion != sample.label == challenger:
            sides["challenger"].append(Difference(sample.sample_id, sample.label, champion))
        if challenger != sample.label == champion:
            sides["champion"].append(Difference(sample.sample_id, sample.label, challenger))
    return sides
