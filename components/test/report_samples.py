"""What the test report is drawn from: plain JSON values about the samples that it shows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.dataset.pictures import DRAWN, WORST
from components.metrics.calibration import calibrated
from components.test.doubts_and_duplicates import LISTED, SHOWN_NEIGHBOURS
from components.test.label_errors import LabelDoubt
from components.test.near_duplicates import NearDuplicate
from components.test.predictions import DECIMALS, Prediction
from components.test.results import Results

BEST = 5
REPORT = "report.html"


def refer_to_report(predictions: Sequence[Prediction], thumbnails: Mapping[str, str]) -> list[Prediction]:
    """Return `predictions`, those that have a thumbnail with its place in the report: `report.html#image-7`.

    The name is the same wherever the report lies, so that the same predictions give the same file.
    """
    anchors = _anchors(thumbnails)
    return [
        replace(p, thumbnail=f"{REPORT}#{anchors[p.filename]}") if p.filename in anchors else p for p in predictions
    ]


def report_data(results: Results, temperature: float) -> dict[str, Any]:
    """Return what the report shows of the samples, as plain JSON values; pictures are data URIs.

    Keys: `samples` (each with its `anchor`, by which the predictions refer to it), `selection` (how many of how many,
    and by what rule), `neighbour_thumbnails` by sample_id, `suspected_label_errors` and `leakage` (`total` and the
    first LISTED `listed`; the former also whether the model is `believed`, the latter whether it is `known` what the
    network learnt from, and how many images of that were `not_compared`), `neighbours_known`, and `notes`, sentences
    about what the figures cannot say. Probabilities are calibrated, brightness is 0 (black) to 1 (white).
    """
    findings = results.findings
    samples = _shown(results, temperature)
    total = len(results.tested.predictions)
    return {
        "samples": samples,
        "selection": {"shown": len(samples), "total": total, "rule": _rule() if len(samples) < total else ""},
        "neighbour_thumbnails": findings.neighbour_thumbnails,
        "suspected_label_errors": {
            **_listed([doubt for doubt in findings.doubts if doubt.suspected]),
            "believed": findings.believed,
        },
        "leakage": {
            **_listed(findings.duplicates),
            "known": findings.learnt_known,
            "not_compared": findings.not_compared,
        },
        "neighbours_known": results.neighbours_known,
        "notes": results.notes,
    }


def _rule() -> str:
    return f"the {WORST} with the highest loss, {DRAWN} drawn from the rest, and those that a list below needs"


def _anchors(names: Collection[str]) -> dict[str, str]:
    return {name: f"image-{number}" for number, name in enumerate(sorted(names), start=1)}


def _shown(results: Results, temperature: float) -> list[dict[str, Any]]:
    thumbnails, predictions = results.findings.thumbnails, results.tested.predictions
    anchors = _anchors(thumbnails)
    rows = [row for row, p in enumerate(predictions) if p.filename in anchors]
    sure = calibrated(results.tested.probabilities[rows], temperature)
    return [
        {
            **_sample_as_json(predictions[row]),
            "probabilities": _best(sure[i], results.class_names, predictions[row].prediction_truth),
            "thumbnail": thumbnails[predictions[row].filename],
            "anchor": anchors[predictions[row].filename],
        }
        for i, row in enumerate(rows)
    ]


def _sample_as_json(p: Prediction) -> dict[str, Any]:
    return {
        "sample_id": p.filename,
        "label": p.prediction_truth,
        "prediction": p.prediction,
        "neighbours": [asdict(neighbour) for neighbour in p.neighbours[:SHOWN_NEIGHBOURS]],
        "brightness": round(p.brightness / 255, DECIMALS),
        **{name: getattr(p, name) for name in ("loss", "confidence", "group", "width", "height")},
    }


def _best(probabilities: NDArray[np.float64], class_names: Sequence[str], label: str) -> list[tuple[str, float]]:
    """Return the highest probabilities with their classes, and the label's own if it is not among them."""
    order = np.argsort(-probabilities, kind="stable")
    own = class_names.index(label)
    chosen = [*order[:BEST], *([own] if own not in order[:BEST] else [])]
    return [(class_names[i], round(float(probabilities[i]), DECIMALS)) for i in chosen]


def _listed(found: Sequence[LabelDoubt] | Sequence[NearDuplicate]) -> dict[str, Any]:
    return {"total": len(found), "listed": [asdict(one) for one in found[:LISTED]]}
