"""The compiled pipeline: committed, current, reproducible, and saying what the cluster needs to know."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.step.errors import ServiceError, UsageError
from pipeline.compilation import COMPILED_PIPELINE, compile_pipeline
from pipeline.compiled import load_pipeline
from pipeline.destination import Destination
from tests.support.patience import PATIENCE

ROOT = Path(__file__).parents[2]
PARAMETERS = [
    "annotations_uri",
    "images_uri",
    "annotation_format",
    "group_pattern",
    "on_bad_sample",
    "given_split",
    "boxes",
    "label_policy",
    "dataset_store",
    "train_ratio",
    "validation_ratio",
    "test_ratio",
    "split_method",
    "seed",
    "backbone",
    "weights",
    "image_size",
    "epochs",
    "batch_size",
    "learning_rate",
    "gpu_count",
    "gpu_type",
    "node_selector",
    "tolerations",
    "cpu",
    "memory",
    "cpu_request",
    "memory_request",
    "s3_secret",
    "fine_tune_epochs",
    "fine_tune_layers",
    "augment",
    "class_weight",
    "label_smoothing",
    "early_stopping_patience",
    "warmup_epochs",
    "schedule",
    "optimizer",
    "preprocessing",
    "evaluator",
    "cache_uri",
    "checkpoint_uri",
    "checkpoint_minutes",
    "model_name",
    "promotion_policy",
    "dry_run",
    "engine",
    "ray_address",
]


@pytest.fixture(scope="module")
def documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(COMPILED_PIPELINE.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def executors(documents: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = documents[0]["deploymentSpec"]["executors"]
    return {name.removeprefix("exec-"): executor["container"] for name, executor in found.items()}


@pytest.fixture(scope="module")
def platform(documents: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return {name.removeprefix("exec-"): executor for name, executor in found.items()}


def test_the_committed_pipeline_is_current_and_compiling_is_quiet(tmp_path: Path) -> None:
    code = (
        f"import pathlib, pipeline.compilation as c; c.compile_pipeline(pathlib.Path({str(tmp_path / 'again.yaml')!r}))"
    )
    # What stands in the environment is of a cluster, not of this machine. Another hash seed: a set's order would show.
    environment = os.environ | {"PYTHONHASHSEED": "7", "PAWLINE_TRAIN_IMAGE": "x", "PAWLINE_MLFLOW_TRACKING_URI": "y"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "again.yaml").read_bytes() == COMPILED_PIPELINE.read_bytes(), "run `make compile`"


def test_every_step_learns_its_run_from_its_pod_so_that_no_cache_notices() -> None:
    """A parameter with the run's id would be another in every run, and the cache would never hit."""
    platform = list(yaml.safe_load_all(COMPILED_PIPELINE.read_text(encoding="utf-8")))[1]
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    given = {"fieldPath": "metadata.labels['pipeline/runid']", "name": "PAWLINE_RUN"}
    assert [executor["fieldPathAsEnv"] for executor in executors.values()] == [[given]] * 5


def test_the_graph_has_the_parameters_in_the_forms_order() -> None:
    from pipeline.graph import image_classifier

    assert list(inspect.signature(image_classifier).parameters) == PARAMETERS


def test_every_parameter_has_a_type_a_default_and_a_description_of_one_sentence() -> None:
    parameters = load_pipeline(COMPILED_PIPELINE).parameters
    assert set(PARAMETERS) == set(parameters)
    for name, parameter in parameters.items():
        assert parameter.default is not None, name
        assert 15 < len(parameter.description) <= 130, name
        assert parameter.description.endswith("."), name
        assert "\n" not in parameter.description, name


def test_defaults_are_of_their_types() -> None:
    types = {
        "STRING": str,
        "NUMBER_INTEGER": int,
        "NUMBER_DOUBLE": float,
        "BOOLEAN": bool,
        "STRUCT": dict,
        "LIST": list,
    }
    for name, parameter in load_pipeline(COMPILED_PIPELINE).parameters.items():
        assert type(parameter.default) is types[parameter.kind], name


def test_what_looks_at_the_world_is_never_cached_and_the_others_are(documents: list[dict[str, Any]]) -> None:
    tasks = documents[0]["root"]["dag"]["tasks"]
    cached = {name: task["cachingOptions"].get("enableCache", False) for name, task in tasks.items()}
    assert cached == {"extract": False, "split": True, "train": True, "test": True, "promote": False}


def test_only_train_asks_for_a_gpu_and_a_place(executors: dict[str, Any], platform: dict[str, Any]) -> None:
    assert [name for name, container in executors.items() if "accelerator" in container["resources"]] == ["train"]
    assert [name for name, config in platform.items() if {"nodeSelector", "tolerations"} & config.keys()] == ["train"]


def test_what_goes_into_a_pods_resources_is_text(documents: list[dict[str, Any]], executors: dict[str, Any]) -> None:
    # KFP 2.5.0's driver reads these with GetStringValue: a number would be empty, that is: silently no GPU.
    words = [text for container in executors.values() for text in _strings(container["resources"])]
    channels = {name for word in words for name in re.findall(r"pipelinechannel--(\w+)", word)}
    kinds = documents[0]["root"]["inputDefinitions"]["parameters"]
    assert channels == {"cpu", "memory", "cpu_request", "memory_request", "gpu_count", "gpu_type"}
    assert {kinds[name]["parameterType"] for name in channels} == {"STRING"}


def test_every_step_is_admitted_where_pod_security_is_restricted(platform: dict[str, Any]) -> None:
    # KFP drops all capabilities and sets the seccomp profile itself; a user of ours would be refused on OpenShift.
    contexts = {name: config.get("securityContext") for name, config in platform.items()}
    assert contexts == {name: {"runAsNonRoot": True} for name in ("extract", "split", "train", "test", "promote")}


def test_a_small_node_has_room_for_every_step(executors: dict[str, Any], documents: list[dict[str, Any]]) -> None:
    defaults = documents[0]["root"]["inputDefinitions"]["parameters"]

    def asked(name: str, field: str) -> str:
        text: str = executors[name]["resources"][field]
        channel = re.search(r"pipelinechannel--(\w+)", text)
        return str(defaults[channel[1]]["defaultValue"]) if channel else text

    requests = {name: (asked(name, "resourceCpuRequest"), asked(name, "resourceMemoryRequest")) for name in executors}
    light, least = ("500m", "500Mi"), ("500m", "2Gi")
    assert requests == {"extract": light, "split": light, "train": least, "test": least, "promote": light}
    limits = {name: (asked(name, "resourceCpuLimit"), asked(name, "resourceMemoryLimit")) for name in executors}
    assert limits == {name: ("2", "4Gi" if name == "split" else "8Gi") for name in executors}


def test_cpu_and_memory_are_no_part_of_the_key_of_a_cache_where_that_can_be_had(
    documents: list[dict[str, Any]],
) -> None:
    tasks = documents[0]["root"]["dag"]["tasks"]
    assert not {name for name in tasks["split"]["inputs"]["parameters"] if re.search("cpu|memory", name)}


def test_every_step_takes_the_keys_to_the_store_from_a_secret_if_there_is_one(platform: dict[str, Any]) -> None:
    for name in ("extract", "split", "train", "test", "promote"):
        (secret,) = platform[name]["secretAsEnv"]
        assert secret["secretNameParameter"] == {"componentInputParameter": "s3_secret"}
        assert secret["optional"] is True  # Workload identity needs no keys.
        assert {pair["secretKey"]: pair["envVar"] for pair in secret["keyToEnv"]} == {
            "AWS_ACCESS_KEY_ID": "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY": "AWS_SECRET_ACCESS_KEY",
            "AWS_DEFAULT_REGION": "AWS_DEFAULT_REGION",
            "AWS_S3_ENDPOINT": "AWS_ENDPOINT_URL_S3",
        }


def test_a_lost_pod_is_begun_again_after_a_while_but_not_where_users_mistakes_come_to_light(
    documents: list[dict[str, Any]],
) -> None:
    policies = {name: task.get("retryPolicy") for name, task in documents[0]["root"]["dag"]["tasks"].items()}
    assert policies.pop("extract") is None
    assert set(policies) == {"split", "train", "test", "promote"}
    for policy in policies.values():
        assert (policy["maxRetryCount"], policy["backoffDuration"], policy["backoffFactor"]) == (2, "30s", 2.0)
        # Argo counts from the first attempt's start: an hour, KFP's default, ends a long training's second attempt.
        assert policy["backoffMaxDuration"] == f"{30 * 24 * 3600}s"


def test_every_pod_says_whose_it_is(platform: dict[str, Any]) -> None:
    for name, config in platform.items():
        labels = config["podMetadata"]["labels"]
        assert labels.pop("app.kubernetes.io/name") == f"pawline-{name}"
        assert labels == {"app.kubernetes.io/part-of": "pawline", "app.kubernetes.io/component": "runs"}


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("--pull-secret", {"pull_secrets": ("ok", "A_b")}),
    ("--mlflow", {"mlflow": "sqlite:///x.db"}),
    ("--mlflow-secret", {"mlflow_secret": ""}),
    ("--ray-secret", {"ray_secret": "A"}),
    ("--ca-bundle", {"ca_bundle": "/x"}),
    ("--ca-bundle", {"ca_bundle": "a/b/c"}),
    ("--ca-bundle", {"ca_bundle": "a/"}),
    ("--signing-secret", {"signing_secret": "A b"}),
    ("--trusted-key", {"trusted_key": "_", "signing_secret": "a"}),
    ("--trusted-key", {"trusted_key": "signers"}),
    ("--scratch", {"scratch": "much"}),
    ("--storage-class", {"storage_class": "fast"}),
    ("--storage-class", {"storage_class": "_", "scratch": "5Gi"}),
    ("--retries", {"retries": -1}),
    ("--retries", {"retries": 11}),
    ("--timeout-minutes", {"timeout_minutes": -1}),
    ("--label", {"labels": {"a b": "c"}}),
    ("--label", {"labels": {"team": "a b"}}),
]


@pytest.mark.parametrize(("where", "values"), WRONG, ids=lambda value: str(value)[:40])
def test_what_the_cluster_would_refuse_is_refused_here(where: str, values: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"^{where} must be .*Received: ") as raised:
        compile_pipeline(tmp_path / "p.yaml", Destination(**values))
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_compilation_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "p.yaml"
    target.write_text("old")
    monkeypatch.setattr("kfp.compiler.Compiler.compile", lambda *_: (_ for _ in ()).throw(RuntimeError("no")))
    with pytest.raises(RuntimeError):
        compile_pipeline(target)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_a_target_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ServiceError, match="must be writable"):
        compile_pipeline(tmp_path / "file" / "p.yaml")


@pytest.mark.parametrize("content", [None, "", "a: 1", "- x", "\x00", "{", "root: {dag: 5}"])
def test_what_is_no_compiled_pipeline_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "p.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match="must be a compiled KFP YAML"):
        load_pipeline(path)


def test_a_name_twice_is_refused_and_named(tmp_path: Path) -> None:
    compile_pipeline(tmp_path / "p.yaml")
    text = (tmp_path / "p.yaml").read_text()
    (tmp_path / "p.yaml").write_text(text.replace("schemaVersion:", "sdkVersion:"))
    with pytest.raises(UsageError, match="the name 'sdkVersion' twice"):
        load_pipeline(tmp_path / "p.yaml")


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _strings(inner)]
    return [value] if isinstance(value, str) else []
