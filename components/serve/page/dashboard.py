"""What the page's second tab shows of a bundle: its data, how it did on the validation samples, and its limits."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from components.bundle.golden import Golden
from components.bundle.manifest import Manifest
from components.bundle.model_card import limits
from components.metrics.confusion_tables import class_table, largest_confusions, matrix_table
from components.serve.page.drawing import drawing_style

Counts = dict[str, dict[str, int]]


def dashboard(manifest: Manifest, golden: Golden) -> dict[str, Any]:
    """Return the dashboard as plain JSON values; what the manifest does not tell, or tells wrongly, is empty or null.

    - `totals`: samples by split. `classes`: `{"name", "samples": {split: n}}` in the order of class_names.
    - `sizes`: `{"width": {"min", "median", "max"}, "height": …, "counts": [[width, height, n], …]}` in pixels, or null.
    - `confusion_matrix`: counts with the truth in rows, null without one or with too many classes to show;
      `confusions` and `per_class`: as in the test step's statistics (`components.metrics.confusion_tables`).
    - `drawing`: `components.serve.page.drawing.drawing_style`. `limits`: what the model cannot do, in sentences.
    """
    splits = _splits(manifest)
    names = manifest.class_names
    return {
        "totals": {split: sum(counts.values()) for split, counts in splits.items()},
        "classes": [{"name": n, "samples": {split: splits[split].get(n, 0) for split in splits}} for n in names],
        "sizes": _sizes(manifest.data),
        **_confusion(manifest.data.get("validation_confusion_matrix"), names),
        "drawing": drawing_style(golden.images),
        "limits": limits(manifest, splits),
    }


def _splits(manifest: Manifest) -> Counts:
    found = manifest.data.get("splits")
    if not isinstance(found, dict) or not all(_are_counts(counts, manifest.class_names) for counts in found.values()):
        return {}
    return found


def _are_counts(counts: object, names: Sequence[str]) -> bool:
    return isinstance(counts, dict) and set(counts) <= set(names) and all(map(_is_count, counts.values()))


def _sizes(data: Mapping[str, Any]) -> dict[str, Any] | None:
    width, height, counts = data.get("width"), data.get("height"), data.get("sizes")
    if not (_is_spread(width) and _is_spread(height) and isinstance(counts, list) and counts):
        return None
    if not all(isinstance(row, list) and len(row) == 3 and all(map(_is_count, row)) for row in counts):
        return None
    return {"width": width, "height": height, "counts": counts}


def _is_spread(value: object) -> bool:
    keys = ("min", "median", "max")
    return isinstance(value, dict) and all(isinstance(value.get(key), int | float) for key in keys)


def _confusion(found: object, names: Sequence[str]) -> dict[str, Any]:
    if not _is_matrix(found, len(names)):
        return {"confusion_matrix": None, "confusions": [], "per_class": []}
    matrix = np.asarray(found, dtype=np.int64)
    table = matrix_table(matrix)
    return {
        "confusion_matrix": table and table["counts"],
        "confusions": largest_confusions(matrix, names),
        "per_class": class_table(matrix, names),
    }


def _is_matrix(found: object, side: int) -> bool:
    rows = found if isinstance(found, list) else []
    return len(rows) == side and all(
        isinstance(row, list) and len(row) == side and all(map(_is_count, row)) for row in rows
    )


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**31  # Sums stay far below what int64 holds.
