"""The reference task on real photos; runs where PAWLINE_TEST_DATA names the folder that holds them."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from components.ingest.ingestion import ingest
from components.ingest.taking import Settings
from tests.support.complete_run import complete_run
from tests.support.extraction import extract_arguments, run_extract

DATA = Path(os.environ.get("PAWLINE_TEST_DATA") or "/nonexistent")

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA.is_dir(), reason="PAWLINE_TEST_DATA names no folder with real data"),
]


def mean_accuracy(tmp_path: Path, images: Path, **parameters: str) -> float:
    """The test accuracy of five complete runs on cats-dogs-other with its `images`, seeds 0 to 4."""
    annotations = DATA / "cats-dogs-other" / "cats_dogs_others-annotations.json"
    accuracies = []
    for seed in range(5):
        given = {"annotations_uri": annotations, "images_uri": images, "seed": seed, **parameters}
        run = complete_run(tmp_path / "runs", f"seed{seed}", **given)
        assert run.exit_code == 0, run.printed
        accuracies.append(run.json("test", "statistics.json")["accuracy"])
    print(f"cats-dogs-other, seeds 0 to 4: {[round(a, 4) for a in accuracies]}")
    return sum(accuracies) / len(accuracies)


@pytest.mark.timeout(800)
def test_cats_dogs_other_by_document(tmp_path):
    """At least 0.90 on average over seeds 0 to 4, each a complete run; no document in two splits."""
    images = DATA / "cats-dogs-other" / "images"
    assert mean_accuracy(tmp_path, images, group_pattern="(?P<document>.+)_page") >= 0.90


def test_cats_dogs_other_from_its_documents(tmp_path):
    """199 images of 40 documents, 192 of them in the export, the 7 others named; the documents are the groups."""
    folder = DATA / "cats-dogs-other"
    found = ingest(str(folder / "pdfs"), str(tmp_path / "ingested"), Settings("embedded", 150))
    assert (len(found.images), len(found.records), found.faults) == (199, 40, [])
    out, export = tmp_path / "out", folder / "cats_dogs_others-annotations.json"
    outcome = run_extract(extract_arguments(out, export, tmp_path / "ingested" / "images", tmp_path / "datasets"))
    samples = outcome.dataset().samples()
    assert len(samples) == 192
    assert {(s.sample_id, s.group) for s in samples} == {(s.sample_id, s.sample_id.split("_page")[0]) for s in samples}
    [unlabelled] = [line for line in outcome.stderr.splitlines() if "7 listed files have no annotation" in line]
    without = {document for _, document in found.images} - {sample.group for sample in samples}
    assert len(without) == 7
    assert all(f"{document}_page0_index0.png" in unlabelled for document in without)


@pytest.mark.slow
@pytest.mark.timeout(800)
def test_cats_dogs_other_from_its_documents_is_as_accurate(tmp_path):
    """As from the PNGs: at least 0.90 on average over seeds 0 to 4."""
    ingest(str(DATA / "cats-dogs-other" / "pdfs"), str(tmp_path / "ingested"), Settings("embedded", 150))
    assert mean_accuracy(tmp_path, tmp_path / "ingested" / "images") >= 0.90


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_flipped_labels_of_trashnet_come_first_in_the_list_of_suspects(tmp_path):
    """One label in twenty is flipped, of all splits; half of the test's flipped ones are in the list's first tenth."""
    folder = DATA / "trashnet"
    found = []
    for seed in range(3):
        flipped = write_flipped_labels(tmp_path / f"labels{seed}.csv", folder, seed)
        run = complete_run(
            tmp_path / "runs",  # Shared: the features of the first run are there for the others.
            f"seed{seed}",
            annotations_uri=tmp_path / f"labels{seed}.csv",
            images_uri=folder,
            on_bad_sample="drop",  # Identical photos of which one was flipped.
            train_ratio=0.7,
            test_ratio=0.2,
            seed=seed,
        )
        assert run.exit_code == 0, run.printed
        listed = [row["file"] for row in csv.DictReader(run.text("test", "label_errors.csv").splitlines())]
        tested = flipped & set(listed)
        found.append(len(tested & set(listed[: len(listed) // 10])) / len(tested))
        print(f"seed {seed}: {len(tested)} of {len(listed)} test labels flipped, {found[-1]:.2f} of them found")
    assert min(found) >= 0.5


def write_flipped_labels(path: Path, folder: Path, seed: int) -> set[str]:
    """Write the folder's labels as CSV, 5 % of them replaced by another class; return the names of these files."""
    random = np.random.default_rng(seed)
    classes = sorted(place.name for place in folder.iterdir() if place.is_dir())
    names = sorted(f"{image.parent.name}/{image.name}" for image in folder.glob("*/*.jpg"))
    flipped = set(random.choice(names, len(names) // 20, replace=False).tolist())
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "label"])
        for name in names:
            label = name.partition("/")[0]
            others = [other for other in classes if other != label]
            rows.writerow([name, str(random.choice(others)) if name in flipped else label])
    return flipped
