"""The command `pawline doctor`: what it reads, what it prints, its exit codes; it says no secret."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.cli.main import main
from pipeline.compilation import compile_pipeline
from pipeline.destination import Destination
from tests.support.doctors_world import HERE, MLFLOW_PASSWORD, World, node, sound_world
from tests.support.strict_s3 import SECRET

TOKEN = "sha256~a-token-that-nobody-reads"


@pytest.fixture
def here(s3_environment: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in an environment without cluster and store."""
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    for name in ("PAWLINE_KFP_HOST", "PAWLINE_KFP_NAMESPACE", "KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def world(here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A sound cluster that the environment names, and the pipeline compiled for it."""
    with sound_world(monkeypatch, here) as running:
        monkeypatch.setenv("PAWLINE_KFP_HOST", running.cluster.url)
        monkeypatch.setenv("PAWLINE_KFP_TOKEN", TOKEN)
        registry = running.cluster.url.removeprefix("http://")
        images = {"image": f"{registry}/pawline/step:1", "train_image": f"{registry}/pawline/train:1"}
        compile_pipeline(here / "pawline.yaml", Destination(**images, mlflow=running.cluster.url))
        yield running


def findings(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, str]]:
    """Return what was printed as JSON, by subject."""
    return {each["subject"]: each for each in json.loads(capsys.readouterr().out)}


def test_a_sound_cluster_is_a_green_line_a_thing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert {line.split()[0] for line in lines} == {"ok"}
    assert len(lines) > 20
    assert not printed.err
    secrets = (TOKEN, SECRET, MLFLOW_PASSWORD)
    assert not [secret for secret in secrets if secret in printed.out]


def test_what_is_wrong_ends_with_1_and_one_line(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.has_keys(AWS_SECRET_ACCESS_KEY="another-secret-key")
    world.lacks(f"{HERE}/secrets/pawline-mlflow")
    assert main(["doctor"]) == 1
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert "store keys, MLflow" in printed.err
    assert [line.split()[0] for line in printed.out.splitlines()].count("wrong") == 2
    assert "another-secret-key" not in printed.out


def test_parameters_are_those_of_a_run(world: World, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "run.yaml").write_text('gpu_count: 1\nnode_selector: {gpu: a100}\ncpu_request: "20"\ncpu: "20"\n')
    world.has_nodes(node(), node("gpu-1", {"gpu": "a100"}, **{"nvidia.com/gpu": "1"}))
    assert main(["doctor", "--json", "--config", "run.yaml", "--param", "dataset_store=s3://elsewhere/sets"]) == 1
    found = findings(capsys)
    assert "none is large enough for cpu 20" in found["nodes (train, test)"]["sentence"]
    assert found["nodes (extract, split, promote)"]["state"] == "well"
    assert "there is no bucket elsewhere" in found["store bucket"]["sentence"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--param", "epochs=x"], "epochs must be an integer"),
        (["--param", "gpu_count=many"], "gpu_count must be"),
        (["--pipeline", "absent.yaml"], "absent.yaml"),
        (["--config", "absent.yaml"], "absent.yaml"),
        (["--host", "ftp://somewhere"], "--host must be"),
    ],
)
def test_a_wrong_option_ends_with_2(
    here: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["doctor", *words]) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1


def test_without_a_cluster_store_mlflow_and_this_machine_are_checked(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "photos").mkdir()
    places = [f"{name}=photos" for name in ("annotations_uri", "images_uri", "dataset_store")]
    assert main(["doctor", "--json", *(word for place in places for word in ("--param", place))]) == 0
    found = findings(capsys)
    assert {found[name]["state"] for name in ("this machine", "MLflow", "store (dataset_store)")} == {"well"}
    assert "no cluster is meant" in found["Kubernetes"]["sentence"]
    assert "no server is named" in found["KFP"]["sentence"]
    assert not [each for each in found.values() if each["state"] == "wrong"]
    assert not (here / "photos" / ".pawline-may-write").exists()


@pytest.mark.parametrize("content", [None, "", "[", "[]", "{}", "<html>"])
def test_a_kubeconfig_that_is_named_and_is_none_is_wrong(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(here / "the config"))
    if content is not None:
        (here / "the config").write_text(content)
    assert main(["doctor", "--json"]) == 1
    found = findings(capsys)["Kubernetes"]
    assert found["state"] == "wrong"
    assert "the config, is none" in found["sentence"]


def test_a_database_of_mlflows_is_no_file_and_its_password_is_not_said(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://me:a-password@localhost:9/x")
    main(["doctor", "--json"])
    said = capsys.readouterr().out
    [mlflow] = [line for line in json.loads(said) if line["subject"] == "MLflow"]
    assert mlflow["state"] == "unchecked"
    assert "localhost:9/x is a database" in mlflow["sentence"]
    assert "a-password" not in said


def test_without_a_kubeconfig_the_rest_is_checked(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("KUBECONFIG")
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "there is no kubeconfig" in line]
    [rest] = [line for line in lines if "there is no connection with Kubernetes" in line]
    assert "quota, limit ranges, nodes" in rest
    assert any(line.startswith("ok") and " KFP " in line for line in lines)
    assert any(line.startswith("ok") and "image" in line for line in lines)
