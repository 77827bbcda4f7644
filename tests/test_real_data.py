"""The reference task on real photos; runs where PAWLINE_TEST_DATA names the folder that holds them."""

import os
from pathlib import Path

import pytest

from tests.complete_run import complete_run

DATA = Path(os.environ.get("PAWLINE_TEST_DATA") or "/nonexistent")

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA.is_dir(), reason="PAWLINE_TEST_DATA names no folder with real data"),
]


@pytest.mark.timeout(800)
def test_cats_dogs_other_by_document(tmp_path):
    """At least 0.90 on average over seeds 0 to 4, each a complete run; no document in two splits."""
    folder = DATA / "cats-dogs-other"
    accuracies = []
    for seed in range(5):
        run = complete_run(
            tmp_path / "runs",
            f"seed{seed}",
            annotations_uri=folder / "cats_dogs_others-annotations.json",
            images_uri=folder / "images",
            group_pattern="(?P<document>.+)_page",
            seed=seed,
        )
        assert run.exit_code == 0, run.printed
        accuracies.append(run.json("test", "statistics.json")["accuracy"])
    print(f"cats-dogs-other by document, seeds 0 to 4: {[round(a, 4) for a in accuracies]}")
    assert sum(accuracies) / len(accuracies) >= 0.90
