"""Every parameter is checked before anything is made: by `pawline run`, `sweep`, `compile`, and extract itself."""

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.extract import step as extract
from components.extract.parameters import check_parameters
from components.promote import step as promote
from components.split import step as split
from components.step.errors import UsageError
from components.train import step as train
from pipeline.cli.main import main
from pipeline.cli.run import NO_IMAGES
from pipeline.compilation import COMPILED_PIPELINE
from pipeline.compiled import load_pipeline

ROOT = Path(__file__).parents[2]
DECLARED = load_pipeline(COMPILED_PIPELINE).parameters
DEFAULTS = {name: parameter.default for name, parameter in DECLARED.items()}

INVALID: dict[str, list[Any]] = {
    "annotations_uri": ["ftp://x/y", "s3://only-a-bucket"],
    "images_uri": ["", "http://x/y", "s3://"],
    "annotation_format": ["", "CSV", "cocos"],
    "boxes": ["", "Crop", "yes"],
    "label_policy": ["", "Majority", "annotator=", "annotator= ", "ann"],
    "group_pattern": ["(", "(.+)_page", "(?P<a>.)(?P<b>.)"],
    "on_bad_sample": ["", "Drop", "ignore"],
    "given_split": ["", "Keep", "yes"],
    "dataset_store": ["gs://x", "s3:///datasets"],
    "train_ratio": [0.9, 0.0, 1.0, -0.8],
    "validation_ratio": [0.2, 0.0],
    "test_ratio": [0.0, -0.1, 0.11],
    "split_method": ["", "Stratified", "random"],
    "seed": [-1, 2**32],
    "backbone": [
        *("", "vgg17", "resnet", "nobody:build", "json:nothing", "json.decoder:JSONDecodr", "a b:c", ":build"),
        *("os:system", "os:path.join", "json.decoder:JSONDecoder", "builtins:print", "numpy:zeros", "sys:maxsize"),
        *("keras_standing_for_nothing.models:build", "tests.support.own_networks:two"),
    ],
    "weights": ["", "Imagenet", "weights.keras", "absent.weights.h5", "s3://x.weights.h5"],
    "image_size": [-1, 31, 5000],
    "epochs": [0, -3, 1_000_001, 10**400],
    "batch_size": [0, -1, 65_537, 10**20],
    "learning_rate": [0.0, -0.1, 11.0],
    "gpu_count": ["", "-1", "1.5", "one", "1000"],
    "gpu_type": ["", "gpu", "nvidia.com/", "nvidia com/gpu"],
    "node_selector": [{"": "x"}, {"gpu": 1}, {"gpu": "a b"}, {"a/b/c": "d"}, {"gpu": None}],
    "tolerations": [
        ["gpu"],
        [{"key": "gpu", "operator": "exists"}],
        [{"key": "gpu", "operator": "Exists", "value": "x"}],
        [{"operator": "Equal"}],
        [{"key": "gpu", "effect": "noschedule"}],
        [{"key": "gpu", "Operator": "Exists"}],
        [{"key": "gpu", "operator": "Exists", "tolerationSeconds": 3}],
    ],
    "cpu": ["", "0", "two", "-1", "2Gi", "0m", "0.0", "499m"],
    "memory": ["", "0", "8GB", "8 Gi", "8", "8m", "lots", "500M", "2047Mi"],
    "cpu_request": ["", "0", "two", "2.5", "2001m"],
    "memory_request": ["", "8", "lots", "9Gi", "8193Mi"],
    "s3_secret": ["", "Pawline", "a_b", "-a", "a" * 254],
    "fine_tune_epochs": [-1, 10**20],  # More with networks that have none: test_own_functions.
    "fine_tune_layers": [0, 10**20],
    "augment": ["", "heavy", "Light", ":", "no_such_module_at_all:augment"],
    "class_weight": ["", "balance"],
    "label_smoothing": [-0.1, 1.0],
    "early_stopping_patience": [-1, 10**20],
    "warmup_epochs": [-1, 10**20],
    "schedule": ["", "linear"],
    "optimizer": ["", "Adam", "lion"],
    "evaluator": ["nothing", "a b:c", "no_such_module_at_all:evaluate"],
    "preprocessing": ["nothing", "a b:c", "no_such_module_at_all:build"],
    "cache_uri": ["gs://x", "s3://"],
    "checkpoint_uri": ["gs://x"],
    "checkpoint_minutes": [-1.0],
    "model_name": ["", "a/b", "x" * 201],
    "promotion_policy": ["class_margn: 1", "class_margin: 2", "absent.yaml", "{", "ftp://x/y.yaml"],
    "engine": ["", "rya", "spark"],
    "ray_address": ["ray://head:10001"],  # Nobody uses it, as engine is local.
    "dry_run": [],  # Its type leaves nothing to refuse.
}
VALID: dict[str, list[Any]] = {
    "annotations_uri": ["", "s3://b/a.json", "file:///x/a.csv", "a.csv"],
    "images_uri": [".", "s3://b", "file:///x"],
    "annotation_format": ["csv", "folders"],
    "group_pattern": ["(?P<document>.+)_page"],
    "on_bad_sample": ["drop"],
    "given_split": ["keep", "merge"],
    "boxes": ["crop", "whole"],
    "label_policy": ["unanimous", "newest", "annotator=ann@example.org"],
    "split_method": ["stable"],
    "seed": [2**32 - 1],
    "backbone": [
        "VGG16",
        "mobilenet_v2",
        "small-cnn",
        "tests.support.own_networks:build",
        "tests.support.own_networks:Network",
    ],
    "weights": ["none"],
    "image_size": [32, 4096],
    "gpu_count": ["2"],
    "gpu_type": ["amd.com/gpu", "nvidia.com/mig-1g.5gb"],
    "node_selector": [{"gpu": "a100"}, {"nvidia.com/gpu.product": "A100-SXM4", "empty": ""}],
    "tolerations": [
        [{"operator": "Exists"}, {"key": "gpu", "value": "yes", "effect": "NoSchedule"}],
        [{"key": "gpu", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}],
    ],
    "cpu": ["500m", "0.5", "16"],
    "memory": ["16Gi", "2200M", "2Gi", "8589934592"],
    "cpu_request": ["2", "2000m", "100m"],
    "memory_request": ["8Gi", "8192Mi", "500M"],
    "s3_secret": ["my-connection.v1"],
    "cache_uri": ["", "s3://b/c", "/tmp/c"],
    "model_name": ["my model-1.0"],
    "promotion_policy": ["", "class_margin: 0.2", "{rate_over: champion}"],
    "dry_run": [True],
}
CASES = [(name, value) for name, values in INVALID.items() for value in values]


def as_text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict | list | bool | int | float) else str(value)


def named(tmp_path: Path, **values: Any) -> list[str]:
    """Return the arguments of `pawline run` on images that are not there: what is checked later is not refused."""
    given = {"images_uri": tmp_path / "images", "annotations_uri": tmp_path / "a.csv"} | values
    return [word for name, value in given.items() for word in ("--param", f"{name}={as_text(value)}")]


def test_every_parameter_has_values_that_are_refused() -> None:
    assert set(INVALID) == set(DECLARED)
    assert set(VALID) <= set(DECLARED)


def test_extract_is_given_every_parameter_under_its_own_name() -> None:
    [step] = [step for step in load_pipeline(COMPILED_PIPELINE).steps if step.name == "extract"]
    given = {name: source.get("componentInputParameter") for name, source in step.input_parameters.items()}
    assert {name: given[name] for name in DECLARED} == {name: name for name in DECLARED}


@pytest.mark.parametrize(("name", "value"), CASES)
def test_a_run_refuses_before_anything_is_made(
    name: str, value: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", *named(tmp_path, **{name: value})]) == 2
    said = capsys.readouterr().err
    assert said.startswith("pawline: error: ")
    assert said.count("\n") == 1
    assert "Received: " in said
    assert "--" + name.replace("_", "-") + " " not in said  # What the user has not given.
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "value"), CASES)
def test_extract_refuses_before_anything_is_read(
    name: str, value: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    values = DEFAULTS | {"images_uri": "absent", "annotations_uri": "absent.csv", "dataset_store": "d", name: value}
    task = {"inputs": {"parameterValues": values}, "outputs": {"outputFile": "out.json"}}
    own = [flag.dest for flag in extract.build_parser()._actions if flag.dest in DECLARED]
    flags = [word for flag in own for word in ("--" + flag.replace("_", "-"), values[flag])]
    outputs = ["--samples", "samples.csv", "--report", "report.html", "--executor-input", json.dumps(task)]
    assert extract.main([*flags, *outputs]) == 2
    _, said = capsys.readouterr().err.splitlines()
    assert said.startswith("pawline extract: error: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in VALID.items() for value in values])
def test_what_is_legal_passes(name: str, value: Any) -> None:
    check_parameters(DEFAULTS | {name: value})


def test_the_defaults_pass_and_say_which_images_there_are_not() -> None:
    check_parameters(DEFAULTS)
    assert {name: DEFAULTS[name] for name in NO_IMAGES} == NO_IMAGES


OF_KIND: dict[str, st.SearchStrategy[Any]] = {
    # No S3: a policy there would be read.
    "STRING": st.text(max_size=40).filter(lambda text: not text.lower().startswith("s3:"))
    | st.sampled_from(["x:y", "1Gi", "a: b", "{}", "[", "\0", "../x.h5", "\udcff", "file:///", "/", ".."]),
    "NUMBER_INTEGER": st.integers(),
    "NUMBER_DOUBLE": st.floats(allow_nan=False, allow_infinity=False),
    "BOOLEAN": st.booleans(),
    "STRUCT": st.dictionaries(st.text(max_size=9), st.none() | st.integers() | st.text(max_size=9), max_size=3),
    "LIST": st.lists(st.none() | st.text(max_size=5) | st.dictionaries(st.text(max_size=9), st.text(max_size=9))),
}


@settings(max_examples=400)
@given(data=st.data())
def test_any_value_of_a_parameters_type_passes_or_is_refused_in_one_line(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(DECLARED)))
    said = ""
    try:
        check_parameters(DEFAULTS | {name: data.draw(OF_KIND[DECLARED[name].kind])})
    except UsageError as error:
        said = str(error)
    assert "\n" not in said


# What the steps say to the values that the early check knows, so that neither knows more than the other.
STEPS = {
    "split": (split, {"train_ratio", "validation_ratio", "test_ratio", "split_method"}),
    "train": (train, {"epochs", "batch_size", "learning_rate", "seed", "augment", "class_weight", "label_smoothing",
                      "schedule", "optimizer", "preprocessing", "fine_tune_epochs", "fine_tune_layers", "warmup_epochs",
                      "early_stopping_patience", "checkpoint_minutes"}),
    "promote": (promote, {"promotion_policy", "batch_size", "model_name"}),
}  # fmt: skip


@pytest.mark.parametrize(
    ("verb", "name", "value"),
    [(v, name, value) for v, (_, names) in STEPS.items() for name in sorted(names) for value in INVALID[name]],
)
def test_the_step_that_takes_it_refuses_the_same_value(
    verb: str, name: str, value: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    module, _ = STEPS[verb]
    flag = "--method" if name == "split_method" else "--" + name.replace("_", "-")
    required = [a for a in module.build_parser()._actions if a.required]
    arguments = {a.option_strings[0]: f"{tmp_path}/absent" for a in required} | {flag: as_text(value)}
    assert module.main([word for pair in arguments.items() for word in pair]) in (1, 2)
    with suppress(FileNotFoundError):
        assert list(tmp_path.iterdir()) == []


def test_a_sweep_checks_every_candidate_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", "--param", "backbone=small_cnn,vgg17", *named(tmp_path)]) == 2
    assert "Received: backbone=vgg17. Did you mean vgg1" in capsys.readouterr().err
    assert main(["sweep", "--param", "epochs=1,2", "--param", "promotion_policy=x: 1", *named(tmp_path)]) == 2
    assert main(["sweep", "--sample", "--param", "optimizer=adam,Adam"]) == 2
    assert "Received: optimizer=Adam" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Received: no annotations_uri and no images_uri. Name your images, or --sample"),
        (["--param", "epochs=3"], "Name your images, or --sample"),
        (["--param", "images_uri=photos"], "Received: no annotations_uri."),
        (["--param", "annotation_format=folders"], "Received: no images_uri."),
    ],
)
def test_a_bare_run_says_to_name_images(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_run_checks_the_address_of_its_mlflow_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "ftp://x")
    assert main(["run", "--sample"]) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("image", ["Pawline:1", "a b", "x:tag:tag", "https://x/y", "x@sha256:12"])
def test_compile_refuses_what_is_no_image(image: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipeline.cli", "compile", "--output", str(tmp_path / "p.yaml")]
    environment = {"PAWLINE_TRAIN_IMAGE": image, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n"), list(tmp_path.iterdir())) == (2, 1, [])
    assert "PAWLINE_TRAIN_IMAGE must be an image's name" in done.stderr


def test_a_default_that_is_not_legal_is_not_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline import graph
    from pipeline.compilation import compile_pipeline

    defaults = ("gs://x", *graph.image_classifier.__defaults__[1:])
    monkeypatch.setattr(graph.image_classifier, "__defaults__", defaults)
    with pytest.raises(UsageError, match="annotations_uri"):
        compile_pipeline(tmp_path / "p.yaml")
    assert list(tmp_path.iterdir()) == []
