"""The train step: tables and dataset in; bundle, metrics, history and report out."""

import csv
import json
import re
import shutil
from dataclasses import asdict

import numpy as np
import pytest

from components.backbones.small_cnn import build_small_cnn
from components.bundle.manifest import SEALED
from components.bundle.reader import load_bundle
from components.bundle.signature import check_signature
from components.dataset.images import to_model_input
from components.dataset.samples import write_split_table
from components.dataset.snapshot import open_dataset
from components.features.extraction import extract_features
from components.features.training_table import read_training_features
from components.network.keras_runtime import keras
from components.parameters.recipe import Recipe
from components.signing.trust import Trust
from components.step.files import json_text
from components.step.program import program_facts
from components.train.step import build_parser, main
from tests.support.keys import make_keys
from tests.support.report_text import percentage, shown
from tests.support.shades import SHADES, write_shades
from tests.support.shades import step_arguments as arguments


@pytest.fixture(scope="module")
def shades(tmp_path_factory):
    """A dataset of 45 images in three shades of noise, and the folder of its tables: 36 train, 9 validation."""
    return write_shades(tmp_path_factory.mktemp("shades"))


def refused(capsys, command, code, *fragments):
    """Check that `command` ends with `code` and one line that has `fragments`."""
    assert main(command) == code
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("pawline train: error: ")
    assert "Received" in last
    for fragment in fragments:
        assert fragment in last


@pytest.fixture(scope="module")
def trained(shades, tmp_path_factory):
    """The outputs of one run, with KFP's executor input."""
    out = tmp_path_factory.mktemp("trained")
    names = ("bundle", "metrics", "history", "report")
    artifacts = {name: {"artifacts": [{"name": name, "uri": f"s3://b/{name}", "metadata": {}}]} for name in names}
    executor = {"outputs": {"artifacts": artifacts, "outputFile": str(out / "executor.json")}}
    keras.backend.clear_session()  # As in a process of its own: layers are numbered from 1.
    assert main([*arguments(shades, out), "--executor-input", json.dumps(executor)]) == 0
    return out


def test_a_bundle_is_signed_where_a_key_is_given_and_its_bytes_stay_the_same(shades, tmp_path, monkeypatch, capsys):
    keys, small = make_keys(tmp_path / "keys"), {"backbone": "small_cnn", "epochs": 1}
    monkeypatch.setenv("PAWLINE_SIGNING_KEY", str(keys.public))
    refused(capsys, arguments(shades, tmp_path / "refused", **small), 2, "A private key must be")
    monkeypatch.setenv("PAWLINE_SIGNING_KEY", str(keys.private))
    digests = set()
    for name in ("signed", "again"):
        keras.backend.clear_session()
        assert main(arguments(shades, tmp_path / name, **small)) == 0
        digests.add(check_signature(tmp_path / name / "bundle", Trust(keys.public)))
    assert len(digests) == 1


def test_the_bundle_predicts_what_it_learnt_and_says_where_it_is_from(trained, shades):
    bundle = load_bundle(trained / "bundle")
    assert bundle.class_names == list(SHADES)
    assert bundle.manifest.dataset_fingerprint == shades[1].fingerprint
    assert (bundle.manifest.backbone, bundle.manifest.weights, bundle.image_size) == ("mobilenet", "none", 32)
    assert bundle.manifest.training == asdict(Recipe(epochs=4))
    assert bundle.manifest.build == program_facts({})
    bright = np.full((1, 32, 32, 3), 160, np.uint8)
    assert bundle.predict(bright).sum() == pytest.approx(1.0)


def test_features_of_a_frozen_backbone_are_those_it_learnt_from(shades, tmp_path):
    assert main(arguments(shades, tmp_path, epochs=1, training_features=tmp_path / "features")) == 0
    check_features(tmp_path, shades)


def test_the_bundle_says_what_it_learnt_from_and_is_calibrated(trained):
    manifest = load_bundle(trained / "bundle").manifest
    assert manifest.data["splits"] == {name: dict.fromkeys(SHADES, n) for name, n in (("train", 12), ("validation", 3))}
    assert manifest.data["width"] == {"min": 24, "median": 24, "max": 24}
    assert manifest.data["sizes"] == [[24, 20, 45]]
    matrix = np.array(manifest.data["validation_confusion_matrix"])
    assert matrix.sum(1).tolist() == [3, 3, 3]
    assert np.trace(matrix) / 9 == pytest.approx(manifest.metrics["validation_accuracy"])
    assert manifest.temperature > 0


def test_metrics_history_and_bundle_agree(trained):
    metrics = json.loads((trained / "metrics.json").read_text())
    rows = list(csv.DictReader((trained / "history.csv").open()))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    [kept] = [row for row in rows if row["kept"] == "true"]
    assert float(kept["validation_loss"]) == min(float(row["validation_loss"]) for row in rows)
    assert metrics["best_epoch"] == int(kept["epoch"])
    assert metrics["validation_loss"] == float(kept["validation_loss"])
    assert (metrics["train_samples"], metrics["validation_samples"]) == (36, 9)
    seconds = {name: metrics.pop(name) for name in list(metrics) if name.startswith("seconds")}
    assert {"seconds_read", "seconds_features", "seconds_training", "seconds_export"} < seconds.keys()
    parts = sum(value for name, value in seconds.items() if name not in ("seconds", "seconds_read"))
    assert parts == pytest.approx(seconds["seconds"], abs=1.0)
    assert load_bundle(trained / "bundle").manifest.metrics == metrics


def test_kfp_is_told_metrics_and_what_the_bundle_is(trained):
    artifacts = json.loads((trained / "executor.json").read_text())["artifacts"]
    metrics = artifacts["metrics"]["artifacts"][0]["metadata"]
    assert metrics == json.loads((trained / "metrics.json").read_text())
    bundle = artifacts["bundle"]["artifacts"][0]["metadata"]
    assert bundle["framework"] == "keras"
    assert bundle["class_names"] == list(SHADES)


def test_the_report_shows_curves_and_recipe_and_loads_nothing(trained):
    html = (trained / "report.html").read_text()
    assert html.count("<polyline") == 4
    assert "mobilenet, frozen" in html
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", html)


def test_every_figure_that_the_report_shows_is_the_metrics_own(trained):
    text, metrics = shown(trained / "report.html"), json.loads((trained / "metrics.json").read_text())
    assert (
        f"validation accuracy {percentage(metrics['validation_accuracy'])} {metrics['validation_samples']} images"
        in text
    )
    assert f"validation loss {metrics['validation_loss']:.4f}" in text
    assert f"train accuracy {percentage(metrics['train_accuracy'])} {metrics['train_samples']} images" in text
    assert f"epoch kept {metrics['best_epoch']} " in text
    for name in ("backbone", "training", "export"):
        assert f"{name} {metrics[f'seconds_{name}']:.1f} s" in text


def test_the_same_command_gives_the_same_bundle(trained, shades, tmp_path):
    keras.backend.clear_session()
    assert main(arguments(shades, tmp_path)) == 0
    one, other = (load_bundle(folder / "bundle") for folder in (trained, tmp_path))
    for a, b in zip(one.network.get_weights(), other.network.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert (trained / "history.csv").read_text() == (tmp_path / "history.csv").read_text()
    for name in SEALED:
        assert (trained / "bundle" / name).read_bytes() == (tmp_path / "bundle" / name).read_bytes(), name


def test_the_default_backbone_tells_the_shades_apart(shades, tmp_path):
    options = {"backbone": "efficientnet_lite0", "weights": "imagenet", "image_size": 64}
    assert main(arguments(shades, tmp_path, **options)) == 0
    assert json.loads((tmp_path / "metrics.json").read_text())["validation_accuracy"] > 0.8


def test_fine_tuning_writes_every_view_and_cleans_up(shades, tmp_path):
    options = {"fine_tune_epochs": 1, "epochs": 2, "augment": "light", "tensorboard": tmp_path / "logs"}
    options["training_features"] = tmp_path / "features"
    options |= {"model_card": tmp_path / "card.md", "checkpoint_uri": tmp_path / "checkpoints"}
    assert main(arguments(shades, tmp_path, **options)) == 0
    rows = list(csv.DictReader((tmp_path / "history.csv").open()))
    assert [row["phase"] for row in rows] == ["head", "head", "fine-tuning"]
    assert (tmp_path / "card.md").read_text().count("fine") >= 1
    assert (tmp_path / "logs" / "projector_config.pbtxt").exists()
    assert list((tmp_path / "logs" / "validation").iterdir())
    assert "frozen, then fine-tuned" in (tmp_path / "report.html").read_text()
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith((".partial", "checkpoint-"))]
    assert sorted(path.name for path in (tmp_path / "checkpoints").glob("*/*")) == ["checkpoint", "finished"]
    check_features(tmp_path, shades)


def check_features(out, shades):
    """Check that the features written are those that the bundle's network gives for the samples named."""
    table, bundle, dataset = read_training_features(out / "features"), load_bundle(out / "bundle"), shades[1]
    assert table.splits == ["train"] * 36 + ["validation"] * 9
    samples = {sample.sample_id: sample for sample in dataset.samples()}
    assert [samples[name].label for name in table.sample_ids] == table.labels
    images = {s.sample_id: to_model_input(data, bundle.image_size) for s, data in dataset.images(samples.values())}
    _, features = bundle.predict_with_features(np.stack([images[name] for name in table.sample_ids]))
    np.testing.assert_allclose(table.features, features, rtol=2e-3, atol=2e-3)


def test_a_network_from_scratch_is_trained_whole_and_cannot_be_fine_tuned(shades, tmp_path, capsys):
    options = {"backbone": "small_cnn", "image_size": 16, "epochs": 3, "early_stopping_patience": 2}
    card = tmp_path / "card.md"
    assert main(arguments(shades, tmp_path / "out", **options, weights="imagenet", model_card=card)) == 0
    assert "trained from scratch" in (tmp_path / "out" / "report.html").read_text()
    assert load_bundle(tmp_path / "out" / "bundle").manifest.weights == "none"
    for written in (card, tmp_path / "out" / "bundle" / "bundle.json", tmp_path / "out" / "report.html"):
        assert "imagenet" not in written.read_text(), written.name
    assert "that was not pretrained, with a head" in card.read_text()
    refused(capsys, arguments(shades, tmp_path, **options, fine_tune_epochs=1), 2, "needs a pretrained backbone")


def test_a_lost_loss_says_where_and_writes_nothing(shades, tmp_path, capsys):
    options = {"backbone": "small_cnn", "image_size": 16, "learning_rate": 10, "optimizer": "sgd", "epochs": 30}
    weights = tmp_path / "nan.weights.h5"
    network = build_small_cnn(16)
    network.get_layer("block1_conv1").set_weights([np.full((3, 3, 3, 16), np.nan)])
    network.save_weights(weights)
    command = arguments(shades, tmp_path / "out", **options, weights=weights)
    refused(capsys, command, 1, "must stay a number", "whole network epoch 1, step 1 of 2", "Lower the learning rate")
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_a_bundle_of_the_killed_attempt_is_replaced_and_a_strange_folder_is_not(trained, shades, tmp_path, capsys):
    shutil.copytree(trained / "bundle", tmp_path / "bundle")
    assert main(arguments(shades, tmp_path)) == 0
    (tmp_path / "strange" / "bundle").mkdir(parents=True)
    (tmp_path / "strange" / "bundle" / "file").write_text("mine")
    assert main(arguments(shades, tmp_path / "strange")) == 1
    assert (tmp_path / "strange" / "bundle" / "file").read_text() == "mine"


def test_features_are_in_the_order_of_the_samples_whatever_the_batch(shades, monkeypatch):
    dataset = open_dataset(shades[1].uri)
    inputs = keras.Input((8, 8, 3), dtype="uint8")
    mean = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1.0)(inputs)))
    samples = dataset.samples()[::-1]
    whole, pixels = extract_features(mean, dataset, samples, keep=[samples[3].sample_id])
    monkeypatch.setattr("components.features.extraction.BATCH_SIZE", 7)
    pieces, _ = extract_features(mean, dataset, samples)
    np.testing.assert_allclose(whole, pieces, rtol=1e-6)
    assert list(pixels) == [samples[3].sample_id]
    np.testing.assert_allclose(whole[3], pixels[samples[3].sample_id].mean((0, 1)), rtol=1e-5)
    means = {label: whole[[s.label == label for s in samples]].mean() for label in SHADES}
    assert means["dark"] < means["grey"] < means["light"]


@pytest.mark.parametrize(
    ("option", "value", "fragment"),
    [
        ("backbone", "vgg17", "Did you mean vgg1"),
        ("weights", "imagenett", "--weights must be"),
        ("image_size", 31, "at least 32 pixels"),
        ("epochs", 0, "--epochs must be at least 1"),
        ("batch_size", 0, "--batch-size must be at least 1"),
        ("learning_rate", 0, "--learning-rate must be above 0"),
        ("learning_rate", "nan", "--learning-rate must be above 0"),
        ("seed", -1, "--seed must be"),
        ("fine_tune_epochs", -1, "--fine-tune-epochs must be at least 0"),
        ("fine_tune_layers", 0, "--fine-tune-layers must be at least 1"),
        ("label_smoothing", 1.0, "--label-smoothing must be at least 0 and below 1"),
        ("early_stopping_patience", -2, "--early-stopping-patience must be"),
        ("warmup_epochs", -2, "--warmup-epochs must be"),
        ("checkpoint_minutes", "nan", "--checkpoint-minutes must be"),
        ("checkpoint_uri", "ftp://somewhere", "A store must be s3://"),
        ("augment", "stron", "Did you mean strong?"),
        ("class_weight", "balance", "Did you mean balanced?"),
        ("schedule", "cosin", "Did you mean cosine?"),
        ("optimizer", "adamW2", "Did you mean adamw?"),
    ],
)
def test_an_option_that_is_not_legal_is_refused(shades, tmp_path, capsys, option, value, fragment):
    refused(capsys, arguments(shades, tmp_path, **{option: value}), 2, fragment, f"{value}")
    assert list(tmp_path.iterdir()) == []


def tables(shades, tmp_path, train, validation):
    """Return options for tables of the samples with these labels."""
    samples = shades[1].samples()
    for split, labels in (("train", train), ("validation", validation)):
        write_split_table(tmp_path / f"{split}.csv", [s for s in samples if s.label in labels], split)
    return {"train_samples": tmp_path / "train.csv", "validation_samples": tmp_path / "validation.csv"}


@pytest.mark.parametrize(
    ("train", "validation", "fragment"),
    [
        (SHADES, (), "There must be validation samples. Received: 0."),
        (("dark", "grey"), SHADES, "Every class needs training samples. Received none of: light"),
        ((), SHADES, "Received none of: dark, grey, light"),
    ],
)
def test_tables_that_cannot_be_learnt_from_are_refused(shades, tmp_path, capsys, train, validation, fragment):
    refused(capsys, arguments(shades, tmp_path / "out", **tables(shades, tmp_path, train, validation)), 1, fragment)
    assert not (tmp_path / "out").exists()


def test_the_tables_cannot_be_swapped(shades, tmp_path, capsys):
    swapped = {"train_samples": shades[0] / "validation.csv", "validation_samples": shades[0] / "train.csv"}
    refused(capsys, arguments(shades, tmp_path, **swapped), 1, "validation")


def test_a_batch_larger_than_the_data_is_said(shades, tmp_path, capsys):
    assert main(arguments(shades, tmp_path, batch_size=500, epochs=1)) == 0
    assert "--batch-size 500 is more than the 36 training samples" in capsys.readouterr().err


def test_defaults_are_the_pipeline_s():
    given = [word for name in ("dataset-uri", "train-samples", "validation-samples") for word in (f"--{name}", "x")]
    given += [word for name in ("bundle", "metrics", "history", "report") for word in (f"--{name}", "x")]
    defaults = {name: value for name, value in vars(build_parser().parse_args(given)).items() if str(value) != "x"}
    assert json.loads(json_text(defaults)) == {
        "backbone": "efficientnet_lite0",
        "weights": "imagenet",
        "image_size": 0,
        "epochs": 30,
        "batch_size": 32,
        "learning_rate": 0.001,
        "seed": 0,
        "fine_tune_epochs": 0,
        "fine_tune_layers": 20,
        "augment": "none",
        "class_weight": "none",
        "label_smoothing": 0.0,
        "early_stopping_patience": 0,
        "warmup_epochs": 0,
        "schedule": "constant",
        "optimizer": "adam",
        "preprocessing": "",
        "cache_uri": "",
        "engine": "local",
        "ray_address": "",
        "checkpoint_uri": "",
        "checkpoint_minutes": 5.0,
        "tensorboard": "",
        "training_features": "",
        "model_card": "",
        "executor_input": "",
    }
