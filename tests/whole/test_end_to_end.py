"""Complete runs: the compiled YAML's own commands, from annotations to the promotion."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from components.step.errors import UsageError
from pipeline.local.folder import check_run_id
from tests.support.complete_run import CompleteRun, complete_run
from tests.support.generated import ecotag_export
from tests.support.imports import recorded, recorder
from tests.support.one_core import on_one_core

# Small enough for a fast test; it knows nothing, but runs through everything.
TINY = {"backbone": "mobilenet_v2", "weights": "none", "image_size": 32, "epochs": 2, "seed": 3}


@pytest.fixture
def shades(tmp_path: Path) -> Path:
    """A folder with 60 images of three shades of noise and an ecotag export."""
    folder = tmp_path / "shades"
    (folder / "images").mkdir(parents=True)
    labels = {}
    for index in range(60):
        shade, name = index % 3, f"shade_{index:02}.png"
        pixels = np.random.default_rng(index).integers(60 * shade, 60 * shade + 90, (20, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / name)
        labels[name] = ("dark", "grey", "light")[shade]
    (folder / "annotations.json").write_text(ecotag_export(labels))
    return folder


def test_the_packaged_sample(tmp_path):
    imports = tmp_path / "imports"
    run = complete_run(tmp_path / "runs", "first", "--sample", surroundings=recorder(imports))
    assert run.exit_code == 0, run.printed
    check_that_no_step_imports_what_it_has_no_use_for(recorded(imports))
    found = run.json("test", "statistics.json")
    assert found["total"] == 40
    assert 0.70 <= found["accuracy"] <= 0.98
    assert len(found["class_names"]) == 10
    assert run.json("promote", "decision.json")["verdict"] == "first model"
    assert "promotion" in run.printed
    check_one_run_in_mlflow(tmp_path / "runs", run)
    for beside in {path.name for path in (tmp_path / "runs").iterdir()} - {"first"}:
        with pytest.raises(UsageError, match="has a use for"):
            check_run_id(beside)
    for step, words in (("extract", "400"), ("train", "efficientnet_lite0"), ("test", "of 40 test images right")):
        assert words in run.text(step, "report.html")
        assert "test accuracy" in run.printed
        assert f"{step}/report.html" in run.printed


def check_that_no_step_imports_what_it_has_no_use_for(imported: dict[str, set[str]]) -> None:
    """Check that train alone imports Keras, and nobody what Keras, MLflow or Arrow import where they find it."""
    verbs = [f"components.{verb}" for verb in ("extract", "split", "train", "test", "promote")]
    for step in (*verbs, "components.tracking"):
        assert imported[step] & {"pandas", "scipy", "sklearn", "matplotlib"} == set(), step
        assert ("keras" in imported[step]) == (step == "components.train"), step


def check_one_run_in_mlflow(runs: Path, run: CompleteRun) -> None:
    """Check that one row of MLflow has all of the run, that the version points at it, and that the page is named."""
    with closing(sqlite3.connect(runs / "mlflow.db")) as database:

        def ask(query: str) -> list:
            return database.execute(query).fetchall()

        [(run_id, name, status)] = ask("select run_uuid, name, status from runs")
        params = dict(ask("select key, value from params"))
        metrics = dict(ask("select key, value from latest_metrics"))
        epochs = {step for (step,) in ask("select step from metrics where key = 'validation_loss'")}
        [(digest, source)] = ask("select distinct digest, dataset_source from datasets")
        [(version_run, description)] = ask("select run_id, description from model_versions")
        [(view,)] = ask("select value from experiment_tags where key = 'mlflow.sharedViewState.pawline'")
        tags = dict(ask("select key, value from model_version_tags"))
    view = json.loads(view)
    assert (name, status, version_run) == ("first", "FINISHED", run_id)
    assert params["backbone"] == "efficientnet_lite0"
    assert len(epochs) > 2
    assert metrics["test_accuracy_low"] < metrics["test_accuracy"] < metrics["test_accuracy_high"]
    assert "promotion_promoted" in metrics
    fingerprint = Path(run.dataset_uri).name
    assert digest == fingerprint[:36]
    assert json.loads(source)["fingerprint"] == fingerprint
    assert f"{metrics['test_accuracy']:.4f} (95 % interval" in description.replace("\\", "")
    assert (tags["pawline.run"], tags["pawline.fingerprint"]) == ("first", fingerprint)
    assert float(tags["pawline.test_accuracy"]) == pytest.approx(metrics["test_accuracy"], abs=1e-4)
    files = {str(path.relative_to(runs / "mlartifacts")) for path in (runs / "mlartifacts").rglob("*")}
    for wanted in ("reports/report.html", "test/report.html", "promotion/report.html", "bundle/bundle.json"):
        assert any(file.endswith(wanted) for file in files), wanted
    assert f"/runs/{run_id}" in run.printed
    assert view["orderByKey"] == "metrics.`test_accuracy`"
    assert {column for column in view["selectedColumns"] if column.startswith(("metrics", "params"))} <= {
        *(f"metrics.`{key}`" for key in metrics), *(f"params.`{key}`" for key in params)
    }  # fmt: skip
    assert "viewStateShareKey=pawline" in run.printed.replace("\n", "")
    assert "not delivered" not in run.printed


def test_runs_from_disk_and_from_s3_are_equal(shades, tmp_path, bucket):
    """Same data, same seed: same dataset, splits and predictions, wherever the images lie."""
    local = {"annotations_uri": shades / "annotations.json", "images_uri": shades / "images"}
    here = complete_run(tmp_path / "runs", "here", **TINY, **local)
    files = {f"in/{path.relative_to(shades)}": path.read_bytes() for path in shades.rglob("*") if path.is_file()}
    bucket.put(files)
    remote = {"annotations_uri": bucket.uri("in/annotations.json"), "images_uri": bucket.uri("in/images")}
    there = complete_run(tmp_path / "runs", "there", **TINY, **remote, dataset_store=bucket.uri("datasets"))
    assert (here.exit_code, there.exit_code) == (0, 0), here.printed + there.printed
    assert there.dataset_uri.startswith("s3://")
    assert Path(here.dataset_uri).name == there.dataset_uri.rpartition("/")[2]
    for split in ("train", "validation", "test"):
        assert here.text("split", f"{split}_samples.csv") == there.text("split", f"{split}_samples.csv")
    assert here.json("test", "predictions.json") == there.json("test", "predictions.json")
    assert here.json("test", "statistics.json") == there.json("test", "statistics.json")
    assert not {"test-secret", "test-key"} & set(everything_written(tmp_path / "runs"))


# What tells of the clock or of places: logs, times, TensorBoard's own files and the folders that a run is given.
OF_A_RUN = ("executor_input.json", "executor_output.json", "log.txt", "events.out.tfevents")
WITH_TIMES = ("train/metrics.json", "report.html")  # A report names its run and when it was made.


@pytest.mark.slow
def test_a_run_elsewhere_gives_the_same_bytes(shades, tmp_path):
    """Another folder, home, clock, language, order of sets, name, one core: all artifacts are equal but for times."""
    folder = tmp_path / "another place"
    folder.mkdir()
    surroundings = {
        "PYTHONHASHSEED": "12345", "TZ": "Asia/Kathmandu", "LC_ALL": "C", "LANG": "C", "HOME": str(folder),
        "HOSTNAME": "another", "USER": "another", "LOGNAME": "another",
        "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "3", "TF_NUM_INTRAOP_THREADS": "1",
    }  # fmt: skip
    given = {"annotations_uri": shades / "annotations.json", "images_uri": shades / "images"}
    shared = {**TINY, **given, "dataset_store": tmp_path / "datasets", "backbone": "small_cnn"}
    here = complete_run(tmp_path / "runs", "here", **shared)
    with on_one_core():
        there = complete_run(folder / "r", "other-name", surroundings=surroundings, **shared)
    assert (here.exit_code, there.exit_code) == (0, 0), here.printed + there.printed
    one, other = artifacts(here.folder), artifacts(there.folder)
    assert one.keys() == other.keys()
    assert {"test/predictions.json", "train/bundle/bundle.json", "train/history.csv"} <= one.keys()
    assert [name for name in one if one[name] != other[name]] == []


def artifacts(run: Path) -> dict[str, bytes]:
    """Return the content of every file that the steps made of the data alone, by its place in the run."""
    steps = ("extract", "split", "train", "test", "promote")
    files = [path for step in steps for path in (run / step).rglob("*") if path.is_file()]
    named = {str(path.relative_to(run)): path for path in files if not path.name.startswith(OF_A_RUN)}
    left_out = {name for name in named if name.endswith(WITH_TIMES) or "tracking-queue" in name}
    return {name: path.read_bytes() for name, path in named.items() if name not in left_out}


def everything_written(folder: Path) -> list[str]:
    texts = [path.read_bytes().decode("utf-8", "ignore") for path in folder.rglob("*") if path.is_file()]
    return [word for text in texts for word in ("test-secret", "test-key") if word in text]


def test_a_mistake_in_a_parameter_ends_the_run_in_its_first_step(shades, tmp_path):
    run = complete_run(tmp_path / "runs", "wrong", annotations_uri=shades / "absent.json", images_uri=shades / "images")
    assert run.exit_code == 1
    assert run.printed.count("Traceback") == 0
    last = run.printed.strip().splitlines()[-1]
    assert last.startswith("pawline: error: A step must end with exit code 0. Received: extract=1.")
    assert "absent.json" in run.printed
    statuses = [step["status"] for step in json.loads((run.folder / "run.json").read_text())["steps"]]
    assert statuses == ["failed", "waiting", "waiting", "waiting", "waiting"]
    assert not list((tmp_path / "runs").glob("datasets/*"))


def test_a_backbone_that_is_unknown_is_named(shades, tmp_path):
    local = {"annotations_uri": shades / "annotations.json", "images_uri": shades / "images"}
    run = complete_run(tmp_path / "runs", "wrong", **{**TINY, "backbone": "vgg61"}, **local)
    assert run.exit_code == 2
    assert "vgg16" in run.printed
    assert not (run.folder / "train" / "bundle").exists()
