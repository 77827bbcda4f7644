"""promote, against real MLflow databases: what is decided, what is registered, what is refused."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from components.bundle.manifest import MANIFEST, sha256_of
from components.dataset import image_ranges
from components.dataset.samples import Sample, write_split_table
from components.promote.answers import PairedAnswers
from components.promote.champion import claim_tags, make_champion
from components.promote.report import write_promotion_report
from components.promote.step import main
from components.registry.versions import Registry, open_registry
from components.storage.s3 import s3_client
from components.tracking import queue, sending
from components.tracking.mlflow_run import TESTED_TAG, TRAINED_TAG
from components.tracking.sender import send
from components.tracking.tracker import open_tracker
from pipeline.cli.main import main as pawline
from tests.support.counted_reads import counted_reads, of_parts
from tests.support.mlflow_server import mlflow_at
from tests.support.patience import PATIENCE
from tests.support.promotion import (
    BAD_AT_DOGS,
    BAD_AT_OTHERS,
    GOOD,
    TESTED,
    Material,
    decision,
    image,
    make_material,
    promote_together,
)
from tests.support.report_text import percentage, shown

ROOT = Path(__file__).parents[2]
TRAIN, TEST = range(TESTED), range(TESTED, 2 * TESTED)


@pytest.fixture(scope="module")
def material(tmp_path_factory) -> Material:
    return make_material(tmp_path_factory.mktemp("promotion"))


@pytest.fixture(scope="module")
def tables(material) -> Path:
    return material.tables("tables", TRAIN, TEST)


@pytest.fixture(scope="module")
def good(material) -> Path:
    return material.bundle("good", GOOD)


@pytest.fixture(scope="module")
def bad(material) -> Path:
    return material.bundle("bad", BAD_AT_DOGS)


@pytest.fixture
def registry(empty_database, tmp_path, monkeypatch) -> Registry:
    """A fresh registry, which the environment names; what MLflow's client puts there is taken back."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        monkeypatch.delenv(name)
    (tmp_path / "store").mkdir()
    shutil.copy(empty_database, tmp_path / "store" / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/store/mlflow.db")
    yield open_registry(os.environ, "pawline")
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(autouse=True)
def untold(monkeypatch):
    """What a promotion says to MLflow besides waits in its queue: saying takes seconds, and has tests of its own."""
    monkeypatch.setattr("components.tracking.tracker.start_sending", lambda queue, _: sending.Sending(queue, None))


@pytest.fixture
def run(material, tables, tmp_path, registry):
    """Runs promote with a bundle and options; returns its decision."""

    def promote(bundle: Path, tables: Path = tables, **options: object) -> dict:
        out = tmp_path / "out"
        assert main(material.command(out, bundle, tables, **options)) == 0
        return decision(out)

    return promote


def test_the_first_model_then_a_worse_one_then_a_better_one(run, registry, good, bad, material, tmp_path, capsys):
    first = run(bad, run="monday")
    assert (first["verdict"], first["evidence"]["champion"], first["evidence"]["look"]) == ("first model", None, 0)
    assert "comparisons with this champion" not in (tmp_path / "out" / "report.html").read_text()
    assert registry.champion_number() == "1"
    version = registry.version("1")
    assert dict(version.tags) == {
        "digest": decision(tmp_path / "out")["evidence"]["challenger"]["digest"],
        "fingerprint": material.fingerprint,
        "dataset_uri": material.dataset_uri,
        "run": "monday",
        "verdict": "first model",
        "state": "promoted",
        "replaces": "",
    }
    worse = run(material.bundle("worse", BAD_AT_OTHERS))
    assert worse["verdict"] == "kept champion"
    assert worse["reasons"][0].endswith(
        "Alone right: the challenger 15 times, the champion 15: the challenger does not lead."
    )
    assert registry.champion_number() == "1"
    better = run(good, run="tuesday")
    assert better["verdict"] == "promoted"
    compared = better["evidence"]["comparison"]
    assert (compared["samples"], compared["only_champion"], compared["only_challenger"]) == (90, 0, 15)
    assert compared["p_value"] == pytest.approx(2**-15, rel=1e-4)
    assert [c["difference"] for c in better["evidence"]["classes"]] == [0.0, 0.5, 0.0]
    assert better["evidence"]["look"] == 2
    assert registry.champion_number() == "2"
    assert registry.version("2").tag("replaces") == "1"
    said = capsys.readouterr().err
    assert "verdict: promoted; the champion is version 2" in said
    html, text = (tmp_path / "out" / "report.html").read_text(), shown(tmp_path / "out" / "report.html")
    for name in ("champion", "challenger"):
        assert percentage(compared[f"{name}_accuracy"]) in text
    assert f"accuracy {percentage(compared['champion_accuracy'])} {percentage(compared['challenger_accuracy'])}" in text
    assert f"alone right {compared['only_champion']} {compared['only_challenger']}" in text
    for one in better["evidence"]["classes"]:
        recalls = f"{percentage(one['champion_recall'])} {percentage(one['challenger_recall'])}"
        assert f"{one['name']} {one['samples']} {recalls} {100 * one['difference']:+.1f}" in text
    assert "comparisons with this champion</th><td>2, this one included" in html
    assert "Promoted: the challenger is the new champion" in html
    assert html.count("data:image/webp") == 15
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["difference"] == pytest.approx(15 / 90, abs=1e-6)
    assert run(good)["reasons"] == ["The challenger is the champion itself, version 2."]


# As in the step image, which has neither.
WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None
from components.promote.step import main
sys.exit(main(sys.argv[1:]))
"""


def test_models_are_compared_without_tensorflow(run, registry, good, bad, material, tables, tmp_path):
    run(bad)
    out = tmp_path / "without"
    command = [sys.executable, "-c", WITHOUT_TENSORFLOW, *material.command(out, good, tables)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert decision(out)["verdict"] == "promoted"
    assert decision(out)["evidence"]["comparison"]["only_challenger"] == 15
    assert registry.champion_number() == "2"


def test_the_registered_files_are_the_bundle_and_load_as_an_mlflow_model(run, registry, good, tmp_path, monkeypatch):
    import mlflow
    import pandas

    run(good)
    monkeypatch.setattr(sys, "path", [*sys.path])  # MLflow adds to it.
    found = mlflow.pyfunc.load_model("models:/pawline@champion").predict(
        pandas.DataFrame({"image": [image(0), image(4)]})
    )
    assert [each["label"] for each in found] == ["cat", "dog"]
    place = registry.download(registry.version("1"), "bundle", tmp_path)
    assert {path.name: path.read_bytes() for path in place.iterdir()} == {
        path.name: path.read_bytes() for path in good.iterdir()
    }


STATISTICS = {
    "accuracy": 0.9, "accuracy_interval_95": [0.8, 0.95], "ok": 81, "total": 90, "balanced_accuracy": 0.9,
    "macro_f1": 0.9, "weighted_f1": 0.9, "log_loss": 0.3, "brier": 0.1, "expected_calibration_error": 0.05,
    "intervals": {"accuracy": {"low": 0.8, "high": 0.95}, "log_loss": None},
}  # fmt: skip


@pytest.fixture
def client(registry, monkeypatch):
    """MLflow's client for the registry; trackers leave all in their queues, for the test to `deliver`."""
    from mlflow import MlflowClient

    monkeypatch.setattr("components.tracking.tracker.start_sending", lambda queue, _: sending.Sending(queue, None))
    return MlflowClient(os.environ["MLFLOW_TRACKING_URI"])


def deliver(client, folder: Path) -> None:
    for key in queue.keys(folder):
        assert send(client, folder, key) == ""


def only_run(client):
    """Return the only run of all experiments."""
    [run] = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    return run


def test_a_version_points_at_the_run_with_its_parameters_and_test_metrics(run, client, good, tmp_path, capsys):
    """Here train and test could not tell MLflow anything, so that promote says what it knows of both."""
    (tmp_path / "statistics.json").write_text(json.dumps(STATISTICS))
    run(good, statistics=tmp_path / "statistics.json", run="monday <b>")
    deliver(client, tmp_path / "out" / "tracking-queue")
    version = client.get_model_version("pawline", "1")
    assert version.tags["pawline.test_accuracy"] == "0.9000"
    assert "0.9000 (95 % interval 0.8000 to 0.9500), 81 of 90 samples" in version.description.replace("\\", "")
    assert "<b>" not in version.description
    tracked = only_run(client)
    assert tracked.info.run_id == version.run_id
    assert tracked.info.status == "FINISHED"
    assert tracked.data.params["backbone"] == "tiny"
    found = tracked.data.metrics
    assert (found["test_accuracy"], found["test_accuracy_low"], found["test_accuracy_high"]) == (0.9, 0.8, 0.95)
    assert found["promotion_promoted"] == 1
    assert tracked.data.tags["pawline.version"] == "1"
    assert {file.path for file in client.list_artifacts(tracked.info.run_id, "promotion")} == {
        "promotion/decision.json", "promotion/report.html"
    }  # fmt: skip
    assert LOST.format("train") not in capsys.readouterr().err  # By hand there may be no such step.


LOST = "MLflow has not got all of what {} tracked"


@pytest.mark.parametrize("delivered", [(), ("train",), ("test",), ("train", "test")])
def test_on_a_cluster_promote_says_what_earlier_steps_could_not_deliver_and_tells_what_it_knows(
    run, client, good, tmp_path, monkeypatch, capsys, delivered
):
    """Whichever of train and test MLflow has heard of to its end, and whoever of them began the run there."""
    monkeypatch.setenv("PAWLINE_RUN", "0b1c")
    digest = sha256_of(good / MANIFEST)
    for step in delivered:
        tracker = open_tracker(os.environ, queue_folder=tmp_path / step, key=step, bundle=digest)
        tracker.start(step, {f"{step}_size": 1}, {}, None)
        tracker.tags({"train": {TRAINED_TAG: digest}, "test": {TESTED_TAG: digest}}[step])
        tracker.finish("FINISHED")
        deliver(client, tmp_path / step)
    (tmp_path / "statistics.json").write_text(json.dumps(STATISTICS))
    run(good, statistics=tmp_path / "statistics.json")
    deliver(client, tmp_path / "out" / "tracking-queue")
    said, tracked = capsys.readouterr().err, only_run(client)
    assert tracked.info.run_id == client.get_model_version("pawline", "1").run_id
    assert [LOST.format(step) in said for step in ("train", "test")] == [
        step not in delivered for step in ("train", "test")
    ]
    assert ("backbone" in tracked.data.params) == ("train" not in delivered)
    assert ("test_accuracy" in tracked.data.metrics) == ("test" not in delivered)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"accuracy": "high"}'])
def test_statistics_that_test_did_not_write_are_one_line(material, tables, good, tmp_path, capsys, text):
    (tmp_path / "statistics.json").write_text(text)
    command = material.command(tmp_path / "out", good, tables, statistics=tmp_path / "statistics.json")
    assert main(command) == 1
    assert "The statistics must be JSON as test writes it. Received: " in capsys.readouterr().err


def test_a_model_says_what_it_takes_and_gives(run, good, monkeypatch):
    import mlflow

    run(good)
    signature = mlflow.models.get_model_info("models:/pawline/1").signature
    assert signature.inputs.input_names() == ["image"]
    assert signature.outputs.input_names() == ["label", "probability", "probabilities"]


def test_the_same_inputs_give_the_same_bytes_and_a_dry_run_does_nothing(run, registry, good, bad, tmp_path):
    run(bad)
    before = [(v.number, dict(v.tags)) for v in registry.versions()]
    texts = []
    for _ in range(2):
        assert run(good, dry_run="true")["verdict"] == "promoted"
        texts.append((tmp_path / "out" / "decision.json").read_bytes())
    assert texts[0] == texts[1]
    assert str(tmp_path).encode() not in texts[0]
    assert [(v.number, dict(v.tags)) for v in registry.versions()] == before
    assert registry.champion_number() == "1"
    assert "nothing was done" in (tmp_path / "out" / "report.html").read_text()


def test_samples_that_one_of_the_two_was_trained_on_do_not_count(run, registry, material, good, bad):
    # The champion was trained on half of today's test samples, the challenger on a third of the champion's.
    champions = material.tables("champions", [*range(60), *range(135, 180)], [*range(60, 135)])
    run(bad, champions)
    found = run(
        good, material.tables("challengers", [*range(85), 180 - 91], TEST), promotion_policy="minimum_samples: 20"
    )
    compared, own = found["evidence"]["comparison"], found["evidence"]["champion_test"]
    assert (compared["samples"], compared["left_out"]) == (45, 45)
    assert (own["samples"], own["left_out"]) == (49, 26)
    assert found["verdict"] == "promoted"


def test_champion_and_challenger_are_shown_images_that_are_read_once(run, material, good, bad, monkeypatch, tmp_path):
    monkeypatch.setattr(image_ranges, "GAP_BYTES", 100)  # The images here are smaller than what is read between.
    run(bad)
    with counted_reads() as read:
        run(good)
    sizes = [(material.folder / "images" / material.samples[index].sample_id).stat().st_size for index in TEST]
    pictures = (tmp_path / "out" / "report.html").read_text().count("data:image/webp")
    assert pictures == 15
    assert sum(sizes) <= of_parts(read) <= sum(sizes) + pictures * (max(sizes) + 8) + 8 * len(sizes)


def test_too_few_test_samples_are_not_enough_evidence(run, registry, material, good, bad):
    run(bad)
    found = run(good, material.tables("few", TRAIN, range(90, 120)))
    assert (found["verdict"], registry.champion_number()) == ("not enough evidence", "1")
    assert found["reasons"][0] == "Too few: 30 independent test samples, the policy asks for 50."
    found = run(good, material.tables("no dogs", TRAIN, [i for i in TEST if i % 3 != 1]))
    assert found["reasons"][0].startswith("On this test set")  # Where it is better, there is nothing to see.
    assert found["verdict"] == "kept champion"


def test_a_champion_whose_test_set_is_gone_is_compared_on_this_one(run, registry, material, good, bad, tmp_path):
    moved = tmp_path / "datasets"
    shutil.copytree(Path(material.dataset_uri).parent, moved)
    run(bad, dataset_uri=moved / material.fingerprint)
    shutil.rmtree(moved)
    found = run(good)
    assert found["verdict"] == "promoted"
    assert "The test set of version 1 is not there any more or was never kept." in found["reasons"]
    assert "Decided on this run's test set alone." in found["reasons"]


def test_the_claim_of_a_promotion_killed_long_ago_does_not_win(run, registry, bad, good, tmp_path):
    (tmp_path / "nothing").mkdir()
    killed = registry.add(bad, tmp_path / "nothing", claim_tags("")).number
    assert run(good)["verdict"] == "first model"
    assert registry.champion_number() == "2"
    assert registry.version(killed).tag("state") == "withdrawn"


def test_a_latency_budget_is_measured_and_the_decision_says_no_figure(run, registry, good, tmp_path):
    found = run(good, promotion_policy="{maximum_latency_milliseconds: 0.0001, maximum_size_megabytes: 1}")
    assert found["verdict"] == "kept champion"
    assert found["reasons"][0] == "An answer takes longer than the 0.0001 ms that the policy allows."
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["latency_ms"] > 0
    assert registry.versions() == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: shutil.rmtree(folder), "The files of version 1, the champion, are not in the registry."),
        (lambda folder: (folder / "model.keras").unlink(), "cannot be used. A bundle must be complete and unchanged."),
        (lambda folder: (folder / "model.keras").write_bytes(b"x"), "cannot be used. A bundle must be complete"),
        (lambda folder: (folder / "bundle.json").write_text('{"format_version": 99}'), "format_version=99"),
        (lambda folder: (folder / "bundle.json").open("a").write(" "), "have changed: their digest is"),
    ],
    ids=["no files", "one missing", "one changed", "another format", "another manifest"],
)
def test_a_champion_that_cannot_be_used_stays_if_the_policy_says_so_and_else_blocks_nothing(
    run, registry, good, bad, damage, said, tmp_path, capsys
):
    run(bad)
    [folder] = (tmp_path / "store").glob("mlartifacts/**/model/bundle")
    damage(folder)
    found = run(good, promotion_policy="lost_past: refuse")
    assert (found["verdict"], registry.champion_number()) == ("kept champion", "1")
    assert said in found["reasons"][0]
    assert "pawline-champion-" not in found["reasons"][0]
    assert len(registry.versions()) == 1
    found = run(good)
    assert (found["verdict"], registry.champion_number()) == ("promoted", "2")
    assert any(said in reason for reason in found["reasons"])
    assert "Decided on this run's test set alone." in found["reasons"]
    assert "right on 100.0 % of 90 samples; always naming the most frequent class is right on 33.3 %" in str(found)
    assert "verdict: promoted on this run's test set alone; the champion is version 2" in capsys.readouterr().err
    assert "Decided on this run&#39;s test set alone" in (tmp_path / "out" / "report.html").read_text()


def _changed_bytes(old: bytes, new: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(path.read_bytes().replace(old, new))


def _noise_in_a_member(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[data.index(b"images.npy") + 40 : -200] = bytes([255]) * (len(data) - 240 - data.index(b"images.npy"))
    path.write_bytes(data)


def _first_row(column: int, value: str) -> Callable[[Path], object]:
    def change(path: Path) -> None:
        lines = path.read_text().splitlines()
        row = lines[1].split(",")
        row[column] = value
        path.write_text("\n".join([lines[0], ",".join(row), *lines[2:]]) + "\n")

    return change


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("seen.npz", _noise_in_a_member),
        ("seen.npz", _changed_bytes(b"\x08\0", b"\x63\0")),
        ("seen.npz", lambda path: path.write_bytes(b"PK" * 100)),
        ("seen.npz", lambda path: (path.unlink(), path.mkdir(), (path / "x").touch())),
        ("test_samples.csv", _first_row(3, "no digest")),
        ("test_samples.csv", _first_row(3, "f" * 64)),
        ("test_samples.csv", _first_row(4, "9" * 5000)),
        ("test_samples.csv", lambda path: path.write_bytes(bytes(range(256)))),
    ],
    ids=["noise", "another packing", "no archive", "a folder", "digest", "stranger", "number", "bytes"],
)
def test_damaged_evidence_of_a_champion_blocks_nothing(run, registry, good, bad, tmp_path, name, damage):
    run(bad)
    [path] = (tmp_path / "store").glob(f"mlartifacts/**/evidence/{name}")
    damage(path)
    found = run(good)
    assert (found["verdict"], registry.champion_number()) == ("promoted", "2")
    told = "What version 1 was trained on is not known" if name == "seen.npz" else "test set of version 1"
    assert any(told in reason for reason in found["reasons"]), found["reasons"]


def test_in_place_of_a_lost_champion_comes_no_guesser(run, registry, material, good, bad, tmp_path):
    run(bad)
    [folder] = (tmp_path / "store").glob("mlartifacts/**/model/bundle")
    shutil.rmtree(folder)
    found = run(material.bundle("guesser", (1.0, 0.0, 0.0)))
    assert (found["verdict"], registry.champion_number()) == ("kept champion", "1")
    assert "no better for certain" in found["reasons"][0]
    few = run(good, promotion_policy="minimum_samples: 1000")
    assert (few["verdict"], registry.champion_number()) == ("not enough evidence", "1")


@pytest.mark.parametrize("place", ["s3://a-bucket-of-others/datasets/x", "gs://elsewhere/x", ""])
def test_a_champion_whose_dataset_cannot_be_read_is_compared_on_this_test_set(
    run, registry, good, bad, place, tmp_path, monkeypatch
):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in [name for name in os.environ if name.startswith("AWS_ACCESS")]:
        monkeypatch.delenv(name)
    s3_client.cache_clear()
    run(bad)
    registry.set_tag("1", "dataset_uri", place)
    found = run(good, promotion_policy="lost_past: refuse")
    assert (found["verdict"], registry.champion_number()) == ("kept champion", "1")
    assert "The policy refuses to decide on this run's test set alone (lost_past)." in found["reasons"][0]
    found = run(good)
    assert (found["verdict"], registry.champion_number()) == ("promoted", "2")
    assert "Decided on this run's test set alone." in found["reasons"]
    s3_client.cache_clear()


def test_an_alias_whose_version_was_deleted_blocks_nothing(run, registry, good, bad, monkeypatch):
    run(bad)
    version = Registry.version
    monkeypatch.setattr(Registry, "version", lambda self, number: None if number == "1" else version(self, number))
    assert run(good)["verdict"] == "first model"
    assert registry.champion_number() == "2"


def test_a_deleted_experiment_blocks_nothing(run, registry, good, bad):
    run(bad)
    client = registry._client
    client.delete_experiment(client.get_experiment_by_name("pawline").experiment_id)
    assert run(good)["verdict"] == "promoted"
    assert client.get_experiment_by_name("pawline-2").lifecycle_stage == "active"


def test_a_champion_of_other_classes_stays_and_the_reason_names_them(run, registry, material, good, tmp_path):
    (tmp_path / "nothing").mkdir()
    birds = material.bundle("birds", GOOD, ["bird", "cat", "dog"])
    make_champion(registry, registry.add(birds, tmp_path / "nothing", claim_tags("")))
    found = run(good)
    assert (found["verdict"], registry.champion_number()) == ("kept champion", "1")
    assert "bird (1 in all) only the champion's; other (1 in all) only the challenger's" in found["reasons"][0]


def test_a_champion_that_somebody_else_registered_is_compared_on_this_test_set(run, registry, good, bad, tmp_path):
    (tmp_path / "nothing").mkdir()
    registry.set_champion(registry.add(bad, tmp_path / "nothing", {}).number)
    found = run(good)
    assert found["verdict"] == "promoted"
    assert "What version 1 was trained on is not known" in found["reasons"][-2]
    assert pawline(["rollback"]) == 0
    assert registry.champion_number() == "1"


def test_bad_input_is_one_line_and_nothing_is_promoted(material, tables, registry, good, tmp_path, capsys):
    def refusal(code: int, bundle: Path = good, tables: Path = tables, **options: object) -> str:
        assert main(material.command(tmp_path / "out", bundle, tables, **options)) == code
        *_, last = capsys.readouterr().err.splitlines()
        assert last.startswith("pawline promote: error: ")
        return last

    assert "There must be test samples" in refusal(1, tables=material.tables("empty", TRAIN, []))
    assert "The train table must exist" in refusal(1, tables=tmp_path)
    unknown = material.tables("unknown", TRAIN, [])
    write_split_table(unknown / "test.csv", [Sample("x.png", "bird", "x", "0" * 64, 1, 1)], "test")
    assert "Received: bird (1 in all), the bundle knows" in refusal(1, tables=unknown)
    assert "A bundle must be complete" in refusal(1, bundle=tmp_path)
    assert "Did you mean class_margin?" in refusal(2, promotion_policy="class_margn: 1")
    assert "model_name must be letters" in refusal(2, model_name="a/b")
    assert "batch_size must be at least 1" in refusal(2, batch_size=0)
    assert registry.versions() == []
    assert not (tmp_path / "out").exists()


def test_a_test_table_of_another_dataset_is_refused(material, registry, run, good, bad, tmp_path, capsys):
    run(bad)
    table = material.tables("strange", TRAIN, [])
    strange = [
        Sample(f"strange-{s.sample_id}", s.label, "g", f"{i:064x}", 1, 1) for i, s in enumerate(material.samples)
    ]
    write_split_table(table / "test.csv", strange, "test")
    assert main(material.command(tmp_path / "strange", good, table)) == 1
    assert "The test table must be of this dataset. Received: strange-000.png" in capsys.readouterr().err
    assert registry.champion_number() == "1"
    assert not (tmp_path / "strange").exists()


def test_without_a_registry_the_step_says_so_and_passes(run, registry, good, monkeypatch, capsys):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    found = run(good)
    assert found["verdict"] == "not enough evidence"
    assert found["reasons"][0].startswith("There is no model registry")
    assert "There is no model registry" in capsys.readouterr().err


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9", "sqlite:////proc/nowhere/mlflow.db"])
def test_a_registry_that_does_not_answer_is_one_line(
    material, tables, registry, good, tmp_path, uri, monkeypatch, capsys
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert main(material.command(tmp_path / "out", good, tables)) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("pawline promote: error: The model registry must answer. Received:")
    assert not (tmp_path / "out").exists()


def test_a_uri_that_cannot_be_a_registry_is_a_usage_error(material, tables, registry, good, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "ftp://x")
    assert main(material.command(tmp_path / "out", good, tables)) == 2


def test_rollback_puts_the_digest_back_and_what_was_rolled_back_stays_out(run, registry, good, bad, tmp_path, capsys):
    run(bad)
    run(good)
    digest = registry.version("1").tag("digest")
    capsys.readouterr()
    assert pawline(["rollback"]) == 0
    assert f"champion is version 1, digest {digest}" in capsys.readouterr().out
    assert registry.champion_number() == "1"
    found = run(good)
    assert (found["verdict"], found["reasons"]) == (
        "kept champion",
        ["This bundle is version 2, which was rolled back."],
    )
    assert pawline(["rollback"]) == 1
    assert "There must be an earlier champion to go back to" in capsys.readouterr().err
    assert registry.champion_number() == "1"


def test_rollback_to_damaged_files_changes_nothing(run, registry, good, bad, tmp_path, capsys):
    run(bad)
    [folder] = (tmp_path / "store").glob("mlartifacts/**/model/bundle")
    run(good)
    (folder / "golden.npz").write_bytes(b"x")
    assert pawline(["rollback"]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert "The version to go back to must be complete. Received: version 1:" in said
    assert (registry.champion_number(), registry.version("2").tag("state")) == ("2", "promoted")


def test_rollback_without_a_champion_or_a_registry_is_one_line(registry, tmp_path, monkeypatch, capsys):
    assert pawline(["rollback", "--model-name", "cats"]) == 1
    assert "none of cats" in capsys.readouterr().err
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert pawline(["rollback", "--runs", str(tmp_path)]) == 2
    assert "no MLFLOW_TRACKING_URI, and no mlflow.db in" in capsys.readouterr().err
    assert pawline(["rollback", "--runs", str(tmp_path / "store")]) == 1
    assert "none of pawline" in capsys.readouterr().err


def test_two_first_models_at_the_same_time_make_one_champion(material, tables, registry, good, bad, tmp_path):
    commands = [
        material.command(tmp_path / name, bundle, tables, run=name) for name, bundle in (("a", good), ("b", bad))
    ]
    promote_together(tmp_path / "together", commands, os.environ["MLFLOW_TRACKING_URI"])
    verdicts = {name: decision(tmp_path / name)["verdict"] for name in "ab"}
    assert sorted(verdicts.values()) == ["first model", "kept champion"]
    champion = registry.version(registry.champion_number())
    assert verdicts[champion.tag("run")] == "first model"
    assert sorted(version.tag("state") for version in registry.versions()) == ["promoted", "withdrawn"]
    [faster] = [name for name in "ab" if verdicts[name] == "kept champion"]
    assert "Another run made version" in decision(tmp_path / faster)["reasons"][0]


@pytest.fixture
def server(tmp_path, registry, empty_database, monkeypatch):
    """A real MLflow server, which the environment names."""
    (tmp_path / "served").mkdir()
    shutil.copy(empty_database, tmp_path / "served" / "mlflow.db")
    with mlflow_at("127.0.0.1", tmp_path / "served") as uri:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        yield open_registry(os.environ, "pawline")


@pytest.mark.slow
def test_overlapping_runs_against_a_real_server_promote_one(material, tables, server, good, bad, tmp_path, capsys):
    uri = os.environ["MLFLOW_TRACKING_URI"]
    assert main(material.command(tmp_path / "first", bad, tables)) == 0
    also_good = material.bundle("also good", (1.0, 1.0, 1.01))
    commands = [
        material.command(tmp_path / name, bundle, tables, run=name) for name, bundle in (("a", good), ("b", also_good))
    ]
    promote_together(tmp_path / "together", commands, uri)
    verdicts = {name: decision(tmp_path / name)["verdict"] for name in "ab"}
    assert sorted(verdicts.values()) == ["kept champion", "promoted"]
    champion = server.version(server.champion_number())
    assert verdicts[champion.tag("run")] == "promoted"
    assert (champion.number, champion.tag("replaces")) == ("2", "1")
    assert pawline(["rollback"]) == 0
    assert server.champion_number() == "1"
    place = server.download(server.version("2"), "bundle", tmp_path / "downloaded")
    bundle = good if champion.tag("run") == "a" else also_good
    assert (place / "bundle.json").read_bytes() == (bundle / "bundle.json").read_bytes()


def test_hostile_names_are_inert_in_the_report(run, registry, good, bad, tmp_path):
    run(bad)
    decided = run(good)
    hostile = "<script>alert(1)</script>\"'&\u202e" + "x" * 1000
    decided["evidence"]["champion"] = {"version": hostile, "digest": hostile}
    decided["evidence"]["classes"][0]["name"] = decided["model_name"] = decided["policy"]["rate_over"] = hostile
    decided["checks"] = [{"name": "note", "outcome": outcome, "reason": hostile} for outcome in ("failed", "note")]
    samples = [Sample(f"{hostile}{i}", hostile, "", "", 1, 1) for i in range(2)]
    answers = PairedAnswers(samples, [hostile, "no"], ["no", hostile])
    write_promotion_report(tmp_path / "hostile.html", Pictured(), answers, decided)
    html = (tmp_path / "hostile.html").read_text()
    assert "<script" not in html
    assert html.count("&lt;script&gt;") > 8
    assert "\u202e" not in html
    assert "x" * 1001 not in html


class Pictured:
    """A dataset of which only the pictures are asked for."""

    def images(self, samples):
        return [(sample, image(0)) for sample in samples]
