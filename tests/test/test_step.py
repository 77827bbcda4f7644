"""The test step: what it finds out about a network that is known by construction."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from components.dataset import image_ranges
from components.dataset.pictures import Gallery
from components.dataset.samples import Sample, write_split_table
from components.extract.formats.ecotag import read_ecotag
from components.features.neighbours import NeighbourIndex
from components.features.training_table import read_training_features
from components.metrics.calibration import calibrated
from components.test.image_pass import evaluate_model
from components.test.loading import load_tested
from components.test.report_samples import report_data
from components.test.results import results_of
from components.test.step import build_parser, main
from components.tracking.sending import Sending
from tests.support.counted_reads import counted_reads, of_parts
from tests.support.report_text import percentage, shown
from tests.support.sealed_files import seal_again
from tests.support.tested import CENTRES, COPIED, COPY, MISLABELLED, OUTPUTS, SHADES, TEMPERATURE, Material, material

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def given(tmp_path_factory) -> Material:
    return material(tmp_path_factory.mktemp("given"))


@pytest.fixture(scope="module")
def tested(given, tmp_path_factory):
    """The outputs of one run, with KFP's executor input."""
    out = tmp_path_factory.mktemp("tested")
    artifacts = {name: {"artifacts": [{"name": name, "uri": f"s3://b/{name}", "metadata": {}}]} for name in OUTPUTS}
    executor = {"outputs": {"artifacts": artifacts, "outputFile": str(out / "executor.json")}}
    assert main([*given.arguments(out), "--executor-input", json.dumps(executor)]) == 0
    return out


def read_json(folder, name):
    return json.loads((folder / OUTPUTS[name]).read_text(encoding="utf-8"))


def read_rows(folder, name):
    with (folder / OUTPUTS[name]).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def refused(capsys, command, code, *fragments):
    """Check that `command` ends with `code` and one line that has `fragments`."""
    assert main(command) == code
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("pawline test: error: ")
    assert "Received" in last
    for fragment in fragments:
        assert fragment in last


def test_predictions_are_what_the_network_must_say(given, tested):
    predictions = read_json(tested, "predictions")
    assert [p["filename"] for p in predictions] == sorted(sample.sample_id for sample in given.test)
    assert [p["filename"] for p in predictions if not p["ok"]] == [MISLABELLED]
    for p in predictions:
        # Brightness weighs the colours, the network does not: near, not equal.
        mean, centres = p["brightness"] / 127.5 - 1, np.array(CENTRES)
        logits = 12 * centres * mean - 6 * centres**2
        np.testing.assert_allclose(p["values"], np.exp(logits) / np.exp(logits).sum(), atol=0.1)
        assert p["loss"] == pytest.approx(-np.log(p["values"][SHADES.index(p["prediction_truth"])]), abs=1e-3)
        assert p["confidence"] == pytest.approx(calibrated([p["values"]], TEMPERATURE).max(), abs=1e-3)
        assert (p["width"], p["height"], len(p["neighbours"])) == (48, 40, 5)
    assert {n["split"] for p in predictions for n in p["neighbours"]} == {"train", "validation"}


def test_statistics_metrics_and_matrix_agree(tested):
    statistics, metrics = read_json(tested, "statistics"), read_json(tested, "metrics")
    assert {name: statistics[name] for name in ("ok", "ko", "total")} == {"ok": 13, "ko": 1, "total": 14}
    assert metrics["accuracy"] == statistics["accuracy"] == pytest.approx(13 / 14)
    assert (metrics["test_samples"], metrics["near_duplicates"]) == (14, 1)
    matrix = read_json(tested, "confusion_matrix")
    assert matrix == {"class_names": list(SHADES), "matrix": [[4, 0, 1], [0, 5, 0], [0, 0, 4]]}
    losses = [p["loss"] for p in read_json(tested, "predictions")]
    assert statistics["calibration"]["before"]["log_loss"] == pytest.approx(np.mean(losses), abs=1e-3)
    assert statistics["calibration"]["temperature"] == TEMPERATURE


def test_the_wrong_label_is_suspected_and_goes_back_to_the_labelling_tool(given, tested):
    rows = read_rows(tested, "label_errors")
    assert len(rows) == len(given.test)
    assert (rows[0]["file"], rows[0]["label"], rows[0]["suggested"]) == (MISLABELLED, "dark", "light")
    assert [row["file"] for row in rows if row["suspected"] == "true"] == [MISLABELLED]
    [annotation] = read_ecotag((tested / OUTPUTS["labels_to_check"]).read_text(encoding="utf-8")).annotations
    assert (annotation.file_name, annotation.label) == (MISLABELLED, "light")


def test_every_figure_that_the_report_shows_is_the_statistics_own(tested):
    text, found = shown(tested / "report.html"), read_json(tested, "statistics")
    low, high = found["accuracy_interval_95"]
    assert f"{percentage(found['accuracy'])} accuracy, 95 % interval {percentage(low)} to {percentage(high)}" in text
    for title, name in (("accuracy", "accuracy"), ("balanced accuracy", "balanced_accuracy")):
        ends = found["intervals"][name]
        said = f"{title} {percentage(found[name])} {percentage(ends['low'])} to {percentage(ends['high'])}"
        assert said in text
    for title, name in (("macro F1", "macro_f1"), ("log loss", "log_loss")):
        ends = found["intervals"][name]
        assert f"{title} {found[name]:.3f} {ends['low']:.3f} to {ends['high']:.3f}" in text
    for one in found["classes"]:
        figures = f"{percentage(one['recall'])} {percentage(one['precision'])} {one['f1']:.3f}"
        assert re.search(
            rf"{one['class_name']} {one['support']} .*?{re.escape(figures)} {one['support'] - one['right']} ", text
        )
    before, after = (found["calibration"][when] for when in ("before", "after"))
    errors = [percentage(one["expected_calibration_error"]) for one in (before, after)]
    assert (
        f"calibration error {errors[0]} {errors[1]} log loss {before['log_loss']:.3f} {after['log_loss']:.3f}" in text
    )
    for part in found["slices"]["by_brightness"]:
        assert f"{part['name']} {part['total']} {percentage(part['accuracy'])}" in text
    for one in found["abstention"]["suggestions"]:
        refused = "nothing" if one["coverage"] == 1 else percentage(one["threshold"])
        assert f"{percentage(one['target'])} {refused} {percentage(one['coverage'])}" in text
    assert "\u2013" not in text


def test_the_copy_of_a_training_image_is_found(tested):
    [row] = read_rows(tested, "near_duplicates")
    assert (row["sample_id"], row["other_sample_id"], row["kind"]) == (COPY, COPIED, "near-duplicate")
    assert float(row["similarity"]) > 0.95


def test_the_roc_curve_is_that_of_all_decisions_together(tested):
    predictions = read_json(tested, "predictions")
    truth = np.array([[p["prediction_truth"] == shade for shade in SHADES] for p in predictions])
    scores = np.array([p["values"] for p in predictions])
    fpr, tpr, _ = roc_curve(truth.ravel(), scores.ravel(), drop_intermediate=False)
    curve = read_json(tested, "roc")
    expected = np.trapezoid(tpr, fpr)
    assert np.trapezoid(curve["true_positive_rate"], curve["false_positive_rate"]) == pytest.approx(expected, abs=1e-3)
    assert curve["threshold"][0] is None


def test_kfp_shows_metrics_matrix_and_curve(tested):
    artifacts = json.loads((tested / "executor.json").read_text())["artifacts"]
    metadata = {name: found["artifacts"][0]["metadata"] for name, found in artifacts.items()}
    assert metadata["metrics"] == read_json(tested, "metrics")
    assert metadata["statistics"] == {"ok": 13, "ko": 1, "total": 14}
    assert metadata["confusion_matrix"]["confusionMatrix"]["rows"][0] == {"row": [4.0, 0.0, 1.0]}
    curve = metadata["roc"]["confidenceMetrics"]
    assert curve[0] == {"falsePositiveRate": 0.0, "recall": 0.0, "confidenceThreshold": 1.0}
    assert (curve[-1]["falsePositiveRate"], curve[-1]["recall"]) == (1.0, 1.0)


def test_each_prediction_says_where_the_report_shows_it(tested):
    report = (tested / "report.html").read_text(encoding="utf-8")
    places = [p["thumbnail"] for p in read_json(tested, "predictions")]
    assert places == [f"report.html#image-{number}" for number in range(1, 15)]
    assert all(f'"{place.partition("#")[2]}"' in report for place in places)
    assert report.count("data:image/webp;base64,") >= 14
    assert "13 of 14" in (tested / "summary.md").read_text(encoding="utf-8")


def test_the_same_inputs_give_the_same_bytes_whatever_names_places_and_environment_they_have(given, tested, tmp_path):
    """As on a cluster: files without suffix, another folder, home, clock, language and order of sets."""
    names = {name: tmp_path / "else where" / f"{name}-0" / name for name in OUTPUTS}
    environment = dict(os.environ) | {
        "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "12345", "TZ": "Asia/Kathmandu", "LC_ALL": "C", "LANG": "C",
        "HOME": str(tmp_path / "home"), "HOSTNAME": "another", "USER": "another", "TMPDIR": str(tmp_path),
    }  # fmt: skip
    command = [sys.executable, "-m", "components.test", *given.arguments(tmp_path, **names)]
    subprocess.run(command, env=environment, cwd=tmp_path, check=True, capture_output=True)
    different = [name for name, path in names.items() if path.read_bytes() != (tested / OUTPUTS[name]).read_bytes()]
    assert different == []


def test_the_same_inputs_give_the_same_bytes(given, tested, tmp_path):
    assert main(given.arguments(tmp_path, batch_size=5)) == 0
    different = [file for file in OUTPUTS.values() if (tmp_path / file).read_bytes() != (tested / file).read_bytes()]
    assert different == []


def test_each_image_is_read_once_whatever_it_is_needed_for(given, tmp_path, monkeypatch):
    monkeypatch.setattr(image_ranges, "GAP_BYTES", 100)  # The images here are smaller than what is read between.
    with counted_reads() as read:
        assert main(given.arguments(tmp_path)) == 0
    images = sum(path.stat().st_size for path in (given.folder / "images").rglob("*.*"))
    assert images <= of_parts(read) < 1.1 * images  # The other of a near-duplicate is looked at again.
    assert sum(read.values()) - of_parts(read) < 20_000


def test_without_neighbours_and_optional_outputs(given, tmp_path):
    optional = ("roc", "summary", "label_errors", "labels_to_check", "near_duplicates", "training_features", "history")
    assert main(given.arguments(tmp_path, **dict.fromkeys(optional))) == 0
    assert {path.name for path in tmp_path.iterdir()} == {f for n, f in OUTPUTS.items() if n not in optional}
    assert {len(p["neighbours"]) for p in read_json(tmp_path, "predictions")} == {0}
    assert read_json(tmp_path, "statistics")["ok"] == 13


def test_of_many_samples_the_report_shows_some_and_all_that_its_lists_need(given, monkeypatch):
    monkeypatch.setattr("components.test.image_pass.Gallery", lambda: Gallery(worst=2, drawn=1))
    bundle = load_tested(given.folder / "bundle")
    known = {sample.sample_id: sample for sample in given.dataset.samples()}
    index = NeighbourIndex(read_training_features(given.folder / "features.parquet"))
    results = results_of(bundle, given.dataset, known, given.test, 4, index)
    data = report_data(results, TEMPERATURE)
    shown = [sample["sample_id"] for sample in data["samples"]]
    assert {MISLABELLED, COPY} <= set(shown)
    assert shown == sorted(shown)
    assert 3 <= len(shown) <= 5
    assert data["selection"]["shown"] == len(shown)
    assert data["selection"]["total"] == 14
    assert "highest loss" in data["selection"]["rule"]
    assert [sample["anchor"] for sample in data["samples"]] == [f"image-{n + 1}" for n in range(len(shown))]
    assert COPIED in data["neighbour_thumbnails"]
    for sample in data["samples"]:
        values = next(p.values for p in results.tested.predictions if p.filename == sample["sample_id"])
        expected = dict(zip(SHADES, calibrated([values], TEMPERATURE)[0], strict=True))
        assert dict(sample["probabilities"]) == pytest.approx(expected, abs=1e-4)
    assert all(0 < sample["brightness"] < 1 for sample in data["samples"])
    assert json.loads(json.dumps(data, allow_nan=False))["leakage"]["total"] == 1


def test_each_image_is_decoded_once(given, monkeypatch):
    from components.dataset import pictures

    decoded = []
    monkeypatch.setattr(
        pictures, "decode_image", lambda data, real=pictures.decode_image: decoded.append(1) or real(data)
    )
    evaluate_model(load_tested(given.folder / "bundle"), given.dataset, given.test, 4)
    assert len(decoded) == len(given.test)


def test_progress_is_shown(given, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("components.step.progress.SECONDS_BETWEEN_LINES", 0.0)
    assert main(given.arguments(tmp_path, batch_size=5)) == 0
    printed = capsys.readouterr().err
    assert re.search(r"test +\| predicting: 8/14, [\d.]+/s, \d+ s left", printed)
    assert re.search(r"predicting: 14 done in", printed)
    assert "13 of 14 right, accuracy 0.929" in printed
    assert "labels suspected: 1, near-duplicates in the other splits: 1" in printed


def test_a_class_without_test_samples_is_said(given, tmp_path, capsys):
    write_split_table(tmp_path / "two.csv", [s for s in given.test if s.label != "grey"], "test")
    assert main(given.arguments(tmp_path, test_samples=tmp_path / "two.csv")) == 0
    assert "No test sample carries the label grey (1 in all)" in capsys.readouterr().err
    found = {row["class_name"]: row for row in read_json(tmp_path, "statistics")["classes"]}
    assert (found["grey"]["support"], found["grey"]["recall"]) == (0, None)


def test_one_test_sample_is_enough(given, tmp_path):
    write_split_table(tmp_path / "one.csv", given.test[:1], "test")
    assert main(given.arguments(tmp_path, test_samples=tmp_path / "one.csv")) == 0
    assert read_json(tmp_path, "statistics")["total"] == 1


def test_an_empty_test_table_is_refused(given, tmp_path, capsys):
    write_split_table(tmp_path / "none.csv", [], "test")
    refused(capsys, given.arguments(tmp_path, test_samples=tmp_path / "none.csv"), 1, "an empty test table")
    assert {path.name for path in tmp_path.iterdir()} == {"none.csv"}


@pytest.mark.parametrize("change", [{"sample_id": "other.png"}, {"sha256": "0" * 64}, {"label": "light"}])
def test_the_table_of_another_dataset_is_refused_before_any_image_is_read(given, tmp_path, capsys, change):
    stranger = replace(given.test[0], **change)
    write_split_table(tmp_path / "other.csv", [*given.test[1:], stranger], "test")
    command = given.arguments(tmp_path, test_samples=tmp_path / "other.csv")
    refused(capsys, command, 1, "The test table must be of this dataset", stranger.sample_id)
    assert {path.name for path in tmp_path.iterdir()} == {"other.csv"}


def test_classes_that_the_bundle_does_not_know_are_named(given, tmp_path, capsys):
    stranger = Sample("x.png", "<b>ultra\nviolet", "g", "0" * 64, 1, 1)
    write_split_table(tmp_path / "unknown.csv", [*given.test, stranger], "test")
    command = given.arguments(tmp_path, test_samples=tmp_path / "unknown.csv")
    refused(capsys, command, 1, "Received: <b>ultra\\nviolet (1 in all)", "knows dark, grey, light")


def test_a_bundle_with_other_classes_than_the_dataset_is_refused_and_they_are_named(given, tmp_path, capsys):
    shutil.copytree(given.folder / "bundle", tmp_path / "bundle")
    seal_again(tmp_path / "bundle" / "bundle.json", lambda values: values | {"class_names": ["dark", "grey", "white"]})
    write_split_table(tmp_path / "two.csv", [s for s in given.test if s.label != "light"], "test")
    command = given.arguments(tmp_path / "out", bundle=tmp_path / "bundle", test_samples=tmp_path / "two.csv")
    refused(capsys, command, 1, "every class of the dataset. Received: light (1 in all)", "knows dark, grey, white")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "value", "code", "fragment"),
    [
        ("batch_size", 0, 2, "batch_size=0"),
        ("training_features", "absent.parquet", 1, "absent.parquet"),
        ("history", "absent.csv", 1, "absent.csv"),
        ("bundle", "absent", 1, "absent"),
        ("test_samples", "absent.csv", 1, "absent.csv"),
    ],
)
def test_what_cannot_be_used_is_one_line(given, tmp_path, capsys, option, value, code, fragment):
    refused(capsys, given.arguments(tmp_path, **{option: value}), code, fragment)
    assert list(tmp_path.iterdir()) == []


def test_mlflow_gets_the_results_in_the_run_it_names_or_in_one_of_its_own(given, tmp_path, monkeypatch):
    from mlflow import MlflowClient

    from components.tracking.__main__ import main as replay
    from components.tracking.database import make_database

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    make_database(uri)
    client = MlflowClient(uri)
    begun = client.create_run(client.create_experiment("mine", str(tmp_path / "artifacts"))).info.run_id
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    # Nothing is sent meanwhile, so that this machine's speed does not matter; the replay sends it.
    monkeypatch.setattr("components.tracking.tracker.start_sending", lambda queue, _: Sending(queue, None))
    for name, run_id in (("own", ""), ("named", begun)):
        monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
        assert main(given.arguments(tmp_path / name)) == 0
        assert replay([str(tmp_path / name / "tracking-queue")]) == 0
    runs = {run.info.run_id: run for run in client.search_runs(experiments_of(client))}
    [own] = set(runs) - {begun}
    assert runs[own].info.run_name == "test known"
    assert (runs[own].info.status, runs[begun].info.status) == ("FINISHED", "RUNNING")
    for run_id in (own, begun):
        assert runs[run_id].data.metrics["test_accuracy"] == pytest.approx(13 / 14)
        sent = {file.path for file in client.list_artifacts(run_id, "test")}
        assert {"test/report.html", "test/summary.md", "test/label_errors.csv"} <= sent


def experiments_of(client):
    return [experiment.experiment_id for experiment in client.search_experiments()]


def test_the_help_says_every_option(capsys):
    with pytest.raises(SystemExit):
        build_parser().parse_args(["--help"])
    assert "--training-features" in capsys.readouterr().out


def test_near_duplicates_are_not_said_to_be_none_where_nobody_knows_what_was_learnt(given, tmp_path, capsys):
    shutil.copytree(given.folder / "bundle", tmp_path / "bundle")
    seal_again(tmp_path / "bundle" / "bundle.json", lambda values: values | {"dataset_fingerprint": "another"})
    assert main(given.arguments(tmp_path, training_features=None, bundle=tmp_path / "bundle")) == 0
    assert "near_duplicates" not in read_json(tmp_path, "metrics")
    assert "near-duplicates in the other splits: not looked for" in capsys.readouterr().err
    assert "is not known" in shown(tmp_path / "report.html")


def test_all_images_learnt_from_are_compared_where_the_bundle_counts_them_though_no_table_lists_them(given, tmp_path):
    assert main(given.arguments(tmp_path, training_features=None)) == 0
    [row] = read_rows(tmp_path, "near_duplicates")
    assert (row["sample_id"], row["other_sample_id"], row["other_split"]) == (COPY, COPIED, "train or validation")
