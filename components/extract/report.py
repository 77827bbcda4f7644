"""The data report of extract: how many images of which class and size, how they look, what was left out."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.dataset.images import thumbnail
from components.dataset.samples import Sample
from components.extract.annotators import Agreement
from components.extract.bad_samples import BadSample
from components.step.files import write_text
from components.step.reports import render_report

THUMBNAILS_PER_CLASS = 8
THUMBNAIL_SIZE = 72
MAX_STRIPS = 100  # Classes beyond it are counted but not pictured, so that the report stays a few megabytes.
MAX_DROPPED = 1000
# Upper bounds, in pixels of the longer side.
SIZE_BINS = (32, 64, 128, 256, 512, 1024, 2048, 4096)


@dataclass(frozen=True, slots=True)
class DataSummary:
    """What extract made and what there is to say about it; `notes` are sentences, `verified` says how bytes were.

    `agreement` is None where no image has several annotators.
    """

    dataset_uri: str
    format: str
    samples: Sequence[Sample]
    dropped: Sequence[BadSample]
    notes: Sequence[str]
    verified: str = ""
    agreement: Agreement | None = None

    @property
    def fingerprint(self) -> str:
        """The dataset's address, the last part of its URI."""
        return self.dataset_uri.rpartition("/")[2]


def write_data_report(
    path: Path, summary: DataSummary, images: Callable[[Sequence[Sample]], Iterable[tuple[Sample, bytes]]]
) -> None:
    """Write the report to `path`; `images` gives samples with their encoded images, in any order."""
    classes = _by_class(summary.samples)
    shown = {name: _spread(classes[name]) for name in sorted(classes)[:MAX_STRIPS]}
    found = images([sample for those in shown.values() for sample in those])
    pictures = {sample.sample_id: thumbnail(data, THUMBNAIL_SIZE) for sample, data in found}
    strips = [
        (name, len(classes[name]), [(sample.sample_id, pictures[sample.sample_id]) for sample in those])
        for name, those in shown.items()
    ]
    html = render_report(
        "data.html.j2",
        summary=summary,
        agreement=summary.agreement,
        counts=[(name, len(classes[name])) for name in sorted(classes)],
        groups=len({sample.group for sample in summary.samples}),
        copies=len(summary.samples) - len({sample.sha256 for sample in summary.samples}),
        sizes=size_histogram(summary.samples),
        strips=strips,
        dropped=summary.dropped[:MAX_DROPPED],
    )
    write_text(path, html)


def size_histogram(samples: Sequence[Sample]) -> list[tuple[str, int]]:
    """Return how many samples have a longer side of at most 32, 64, … pixels, empty bins at both ends left out."""
    bounds = (*SIZE_BINS, float("inf"))
    counts = Counter(next(b for b in bounds if max(s.width, s.height) <= b) for s in samples)
    names = [*(f"up to {bound}" for bound in SIZE_BINS), f"over {SIZE_BINS[-1]}"]
    bins = [(name, counts[bound]) for name, bound in zip(names, bounds, strict=True)]
    filled = [index for index, (_, count) in enumerate(bins) if count]
    return bins[filled[0] : filled[-1] + 1] if filled else []


def _by_class(samples: Sequence[Sample]) -> dict[str, list[Sample]]:
    classes: dict[str, list[Sample]] = {}
    for sample in samples:
        classes.setdefault(sample.label, []).append(sample)
    return classes


def _spread(of_class: Sequence[Sample]) -> Sequence[Sample]:
    step = max(1, len(of_class) // THUMBNAILS_PER_CLASS)
    return of_class[::step][:THUMBNAILS_PER_CLASS]
