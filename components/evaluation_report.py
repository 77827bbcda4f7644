"""The test step's report: how good, confused about what, and the mistakes one by one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.dataset import Dataset
from components.files import write_text
from components.images import thumbnail
from components.predictions import Prediction
from components.reports import render_report
from components.samples import Sample

MAX_MISTAKES = 60
MAX_MATRIX_CLASSES = 40
THUMBNAIL_SIZE = 96


def write_evaluation_report(
    path: Path,
    dataset: Dataset,
    samples: Sequence[Sample],
    predictions: Sequence[Prediction],
    statistics: Mapping[str, Any],
    matrix: Sequence[Sequence[int]],
    provenance: Mapping[str, object],
) -> None:
    """Write the report to `path`; `matrix` has the truth in rows, `provenance` says what was tested on what."""
    mistakes = sorted((p for p in predictions if not p.ok), key=lambda p: (-p.confidence, p.filename))
    shown = mistakes[:MAX_MISTAKES]
    html = render_report(
        "test.html.j2",
        statistics=statistics,
        matrix=matrix if len(matrix) <= MAX_MATRIX_CLASSES else None,
        mistakes=[(mistake, picture) for mistake, picture in _with_pictures(dataset, samples, shown)],
        mistakes_in_all=len(mistakes),
        provenance=provenance,
    )
    write_text(path, html)


def _with_pictures(
    dataset: Dataset, samples: Sequence[Sample], shown: Sequence[Prediction]
) -> list[tuple[Prediction, str]]:
    names = {prediction.filename for prediction in shown}
    images = dataset.images([sample for sample in samples if sample.sample_id in names])
    pictures = {sample.sample_id: thumbnail(data, THUMBNAIL_SIZE) for sample, data in images}
    return [(prediction, pictures[prediction.filename]) for prediction in shown]
