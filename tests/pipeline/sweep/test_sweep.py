"""Sweeps: what a grid may be, with real processes what candidates share, and how failures and Ctrl-C end."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from components.step.errors import UsageError
from components.step.own_processes import SOURCE as ROOT
from pipeline.cli import main as cli
from pipeline.compilation import COMPILED_PIPELINE
from pipeline.compiled import load_pipeline
from pipeline.sweep.grid import read_grid, swept_part
from tests.support.fake_pipeline import FakeStep, fake_spec, write_fake
from tests.support.generated import ecotag_export, labels_of, noise_images, write_files
from tests.support.patience import PATIENCE

EXTRACT = """
import json, pathlib, sys, uuid
task = json.loads(sys.argv[1])["outputs"]
pathlib.Path(task["parameters"]["dataset_uri"]["outputFile"]).write_text("made once: " + uuid.uuid4().hex)
pathlib.Path(task["parameters"]["fingerprint"]["outputFile"]).write_text("5c" * 32)
"""
SPLIT = "import sys, pathlib; pathlib.Path(sys.argv[2]).write_text('split of ' + sys.argv[1])"
# The backbone "broken" fails, "slow" waits to be stopped; more epochs get more samples right.
TRAIN = """
import pathlib, sys, time
from tests.support.recorded_runs import write, write_bundle
dataset_uri, table, backbone, epochs, bundle, metrics = sys.argv[1:]
assert pathlib.Path(table).read_text() == "split of " + dataset_uri
if backbone == "broken":
    sys.exit("no such backbone: broken")
if backbone == "slow":
    print("waiting", flush=True)
    time.sleep(600)
write_bundle(pathlib.Path(bundle), "5c" * 32, backbone)
pathlib.Path(bundle, "epochs").write_text(epochs)
write(pathlib.Path(metrics), {"seconds": 1.5})
"""
TEST = """
import pathlib, sys
from tests.support.recorded_runs import prediction, statistics, write
bundle, found, predictions = sys.argv[1:]
right = [index < 10 + int(pathlib.Path(bundle, "epochs").read_text()) for index in range(40)]
write(pathlib.Path(predictions), [prediction(i, f"{i}.png", r, f"{i}.png") for i, r in enumerate(right)])
write(pathlib.Path(found), statistics(right))
"""


def inputs(*names: str) -> tuple[str, ...]:
    return tuple(f"{{{{$.inputs.parameters['{name}']}}}}" for name in names)


def outputs(*names: str) -> tuple[str, ...]:
    return tuple(f"{{{{$.outputs.artifacts['{name}'].path}}}}" for name in names)


STEPS = (
    FakeStep(
        "extract", EXTRACT, ("{{$}}",), {"store": "dataset_store"}, output_parameters=("dataset_uri", "fingerprint")
    ),
    FakeStep(
        "split",
        SPLIT,
        (*inputs("dataset_uri"), *outputs("table"), *inputs("seed")),
        {"dataset_uri": "extract.dataset_uri", "seed": "seed"},
        output_artifacts={"table": "system.Dataset"},
    ),
    FakeStep(
        "train",
        TRAIN,
        (
            *inputs("dataset_uri"),
            "{{$.inputs.artifacts['table'].path}}",
            *inputs("backbone", "epochs"),
            *outputs("bundle", "metrics"),
        ),
        {"dataset_uri": "extract.dataset_uri", "backbone": "backbone", "epochs": "epochs"},
        {"table": "split.table"},
        output_artifacts={"bundle": "system.Model", "metrics": "system.Metrics"},
    ),
    FakeStep(
        "test",
        TEST,
        ("{{$.inputs.artifacts['bundle'].path}}", *outputs("statistics", "predictions")),
        artifacts={"bundle": "train.bundle"},
        output_artifacts={"statistics": "system.Artifact", "predictions": "system.Artifact"},
    ),
    FakeStep("promote", "raise SystemExit('a candidate must not be promoted')", artifacts={"bundle": "train.bundle"}),
)
PARAMETERS = {
    "backbone": ("STRING", "small_cnn"),
    "epochs": ("NUMBER_INTEGER", 3),
    "seed": ("NUMBER_INTEGER", 0),
    "dataset_store": ("STRING", ""),
    "memory": ("STRING", "8Gi"),
    "tolerations": ("LIST", []),
}


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    """A compiled pipeline whose steps take milliseconds."""
    return write_fake(tmp_path / "fake.yaml", fake_spec(*STEPS, parameters=PARAMETERS))


def command(fake: Path, *options: str, run_id: str = "s") -> list[str]:
    return ["sweep", "--pipeline", str(fake), "--runs", str(fake.parent / "runs"), "--run-id", run_id, *options]


def recorded(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return found


# The grid.


def grid(*assignments: str, most: int = 16) -> list[dict[str, str]]:
    return read_grid(assignments, swept_part(load_pipeline(COMPILED_PIPELINE)), most)


def test_a_grid_is_every_combination_the_first_parameter_slowest() -> None:
    found = grid("backbone=vgg16,small_cnn", "epochs=1,2", "seed=7", "epochs=3")
    assert [(c["backbone"], c["epochs"]) for c in found] == [
        (backbone, epochs) for backbone in ("vgg16", "small_cnn") for epochs in ("1", "2", "3")
    ]
    assert {c["seed"] for c in found} == {"7"}


def test_commas_inside_json_are_its_own() -> None:
    found = grid("epochs=1,2", 'tolerations=[{"key": "gpu"}, {"key": "big"}]')
    assert [c["tolerations"] for c in found] == ['[{"key": "gpu"}, {"key": "big"}]'] * 2


@pytest.mark.parametrize(
    ("assignments", "said"),
    [
        (["backbone=vgg16"], "parameter with two values or more"),
        ([], "parameter with two values or more"),
        (["backbone"], "name=value"),
        (["bakcbone=a,b"], "Did you mean backbone?"),
        (["epochs=1,two"], "epochs must be an integer. Received: epochs='two'"),
        (["epochs=1,,2"], "Between two commas"),
        (["epochs=1,2,"], "Between two commas"),
        (["epochs=10,010"], "each value once. Received: epochs=10 twice"),
        (["backbone=vgg16,vgg16"], "each value once"),
        (["seed=1,2"], "several values of seed, which split takes"),
        (["annotations_uri=a,b"], "which extract takes"),
        (["memory=4Gi,8Gi"], "which does not on this machine"),
        (["epochs=1,2,3,4,5", "batch_size=8,16,32,64"], "5 epochs x 4 batch_size = 20"),
    ],
)
def test_a_grid_that_makes_no_sense_is_refused_before_anything_runs(assignments: list[str], said: str) -> None:
    with pytest.raises(UsageError) as refusal:
        grid(*assignments)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_the_limit_can_be_raised() -> None:
    assert len(grid("epochs=1,2,3,4,5", "batch_size=8,16,32,64", most=20)) == 20


def test_a_huge_grid_is_refused_without_being_made() -> None:
    values = ",".join(map(str, range(1, 2000)))
    with pytest.raises(UsageError, match="has at most 16 candidates"):
        grid(f"epochs={values}", f"batch_size={values}", f"image_size={values}", f"warmup_epochs={values}")


# What runs.


def test_candidates_share_dataset_and_split_and_end_in_a_comparison(
    fake: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(command(fake, "--param", "backbone=a,b", "--param", "epochs=5,25")) == 0
    runs = fake.parent / "runs"
    shared, candidates = recorded(runs / "s"), [recorded(runs / f"s-c{number}") for number in (1, 2, 3, 4)]
    assert [step["name"] for step in shared["steps"]] == ["extract", "split"]
    assert {"backbone", "epochs"}.isdisjoint(shared["parameters"])
    uri = shared["steps"][0]["outputs"]["dataset_uri"]
    for candidate in candidates:
        assert [step["reused_from"] for step in candidate["steps"]] == ["s", "s", None, None]
        assert [step["status"] for step in candidate["steps"]] == ["succeeded"] * 4
        assert candidate["steps"][0]["outputs"]["dataset_uri"] == uri
    assert [(c["parameters"]["backbone"], c["parameters"]["epochs"]) for c in candidates] == [
        ("a", 5), ("a", 25), ("b", 5), ("b", 25),
    ]  # fmt: skip
    assert not (runs / "s-c1" / "extract").exists()
    found = json.loads((runs / "s" / "comparison.json").read_text())
    assert (found["best"], len(found["runs"]), len(found["pairs"])) == ("s-c2", 4, 6)
    assert found["runs"][0]["differing_parameters"] == {"backbone": "a", "epochs": "25"}
    assert "s-c2 and s-c4 lead with 35 of 40" in (runs / "s" / "comparison.html").read_text()
    assert "candidate 4 of 4: backbone=b, epochs=25" in capfd.readouterr().err


def test_a_failing_candidate_stops_no_other_and_is_tried_again(fake: Path, capfd: pytest.CaptureFixture[str]) -> None:
    swept = command(fake, "--param", "backbone=broken,a,b")
    assert cli.main(swept) == 1
    printed, runs = capfd.readouterr(), fake.parent / "runs"
    assert "no such backbone: broken" in printed.err
    assert "1 of 3 failed" in printed.err.splitlines()[-1]
    assert [recorded(runs / f"s-c{n}")["status"] for n in (1, 2, 3)] == ["failed", "succeeded", "succeeded"]
    report = (runs / "s" / "comparison.html").read_text()
    assert "Candidates that failed" in report
    assert "backbone=broken" in report
    assert "train: no such backbone: broken" in report
    assert str(runs) not in report
    before = {path: path.stat().st_mtime_ns for path in runs.glob("s-c[23]/**/*")}
    assert cli.main(swept) == 1
    assert {path: path.stat().st_mtime_ns for path in runs.glob("s-c[23]/**/*")} == before, "nothing is done twice"
    assert recorded(runs / "s-c1-2")["status"] == "failed"
    assert "candidate 2 of 3: backbone=a: done before" in capfd.readouterr().err


def test_a_sweep_is_gone_on_with_by_its_own_parameters_alone(fake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(command(fake, "--param", "epochs=1,2")) == 0
    capsys.readouterr()
    assert cli.main(command(fake, "--param", "epochs=1,2,3")) == 2
    assert "by its own parameters" in capsys.readouterr().err
    (fake.parent / "runs" / "other").mkdir()
    assert cli.main(command(fake, "--param", "epochs=1,2", run_id="other")) == 2
    assert "once its shared steps are done" in capsys.readouterr().err
    (fake.parent / "runs" / "datasets").mkdir(exist_ok=True)
    assert cli.main(command(fake, "--param", "epochs=1,2", run_id="datasets")) == 2
    assert "has a use for" in capsys.readouterr().err
    assert cli.main(command(fake, "--param", "epochs=1,2", run_id="x" * 61)) == 2
    assert list((fake.parent / "runs").glob("x*")) == []


def test_one_value_of_a_parameter_that_the_split_takes_is_no_sweep_of_it(fake: Path) -> None:
    assert cli.main(command(fake, "--param", "epochs=1,2", "--param", "seed=9")) == 0
    assert {recorded(folder)["parameters"]["seed"] for folder in (fake.parent / "runs").glob("s*")} == {9}


def test_a_single_survivor_is_compared_with_nothing(fake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(command(fake, "--param", "backbone=broken,a")) == 1
    assert "1 of 2 failed" in capsys.readouterr().err
    assert cli.main([*command(fake, "--param", "backbone=broken,a"), "--json"]) == 1
    printed = json.loads(capsys.readouterr().out)
    assert [run["run"] for run in printed["runs"]] == ["s-c2"]
    assert list(printed["failed"]) == ["backbone=broken"]
    assert not list((fake.parent / "runs" / "s").glob("comparison*"))


def test_a_failing_shared_step_ends_the_sweep(fake: Path, tmp_path: Path) -> None:
    broken = (FakeStep("extract", "raise SystemExit(7)", output_parameters=("dataset_uri",)), *STEPS[1:])
    path = write_fake(tmp_path / "broken.yaml", fake_spec(*broken, parameters=PARAMETERS))
    assert cli.main(command(path, "--param", "epochs=1,2")) == 7
    assert [folder.name for folder in (tmp_path / "runs").iterdir()] == ["s"]


def test_a_pipeline_without_a_test_cannot_be_swept(fake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_fake(fake, fake_spec(*STEPS[:3], parameters=PARAMETERS))
    assert cli.main(command(fake, "--param", "epochs=1,2")) == 2
    assert "Received: none called test" in capsys.readouterr().err


def test_ctrl_c_ends_the_candidate_in_order_and_the_sweep_can_be_gone_on_with(fake: Path) -> None:
    runs = fake.parent / "runs"
    swept = [sys.executable, "-m", "pipeline.cli", *command(fake, "--param", "backbone=a,slow,b")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(swept, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + PATIENCE
        log = runs / "s-c2" / "train" / "log.txt"
        while not (log.exists() and "waiting" in log.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "the same command with --run-id s goes on" in errors
    assert [recorded(runs / f"s-c{number}")["status"] for number in (1, 2)] == ["succeeded", "stopped"]
    assert not (runs / "s-c3").exists()


@pytest.mark.slow
def test_a_real_sweep_trains_on_shared_data_and_compares(tmp_path: Path) -> None:
    files = noise_images(60)
    write_files(tmp_path / "images", files)
    (tmp_path / "annotations.json").write_text(ecotag_export(labels_of(files)))
    given = {"annotations_uri": tmp_path / "annotations.json", "images_uri": tmp_path / "images"}
    given |= {"backbone": "small_cnn", "image_size": 32, "epochs": "1,2"}
    words = [word for name, value in given.items() for word in ("--param", f"{name}={value}")]
    swept = [sys.executable, "-m", "pipeline.cli", "sweep", "--runs", str(tmp_path / "runs"), "--run-id", "s", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        swept, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=2 * PATIENCE, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "runs" / "s" / "comparison.json").read_text())
    assert found["test_samples"] == 6
    assert all(run["latency"]["median_ms"] > 0 and run["onnx_bytes"] > 10_000 for run in found["runs"])
    assert {run["differing_parameters"]["epochs"] for run in found["runs"]} == {"1", "2"}
    assert len(list((tmp_path / "runs" / "datasets").glob("*/dataset.json"))) == 1
