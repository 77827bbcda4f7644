"""What can only be known of samples once every image was read."""

from collections.abc import Iterable, Sequence

from components.dataset.samples import Sample
from components.extract.bad_samples import MUST_DECODE, MUST_HAVE_ONE_LABEL, BadSample
from components.extract.chunks import ReadImage
from components.extract.notes import noted
from components.step.errors import one_line


def undecodable(images: Iterable[tuple[str, ReadImage]]) -> list[BadSample]:
    """Return those of `images`, with their names, that are missing after all, or cannot be decoded."""
    return [BadSample(MUST_DECODE, name, image.fault) for name, image in images if image.fault]


def conflicting_labels(samples: Sequence[Sample]) -> list[BadSample]:
    """Return every sample whose bytes stand elsewhere under another label; none of them can be trusted."""
    labels: dict[str, set[str]] = {}
    for sample in samples:
        labels.setdefault(sample.sha256, set()).add(sample.label)
    return [
        BadSample(
            MUST_HAVE_ONE_LABEL,
            sample.sample_id,
            f"is {' and '.join(one_line(label, 60) for label in sorted(labels[sample.sha256]))}",
        )
        for sample in samples
        if len(labels[sample.sha256]) > 1
    ]


def remarked(images: Iterable[tuple[str, ReadImage]]) -> list[str]:
    """Return a sentence for each remark on `images`, given with their names, and the names of those it is on."""
    names: dict[str, list[str]] = {}
    for name, image in images:
        if image.remark:
            names.setdefault(image.remark, []).append(name)
    return [sentence for remark, those in sorted(names.items()) for sentence in noted(remark, sorted(those))]
