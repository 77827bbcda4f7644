"""`pawline compile`: for one cluster, with an image that somebody named, and never over what is not its own."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.cli.main import main
from pipeline.compilation import COMPILED_PIPELINE

FAST_LOADER = yaml.CSafeLoader  # As safe as SafeLoader, and ten times as fast.
IMAGE = ("--image", "example.test/x:1")
Documents = tuple[dict[str, Any], dict[str, Any]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in, and an environment that names nothing."""
    monkeypatch.chdir(tmp_path)
    for name in ("PAWLINE_TRAIN_IMAGE", "PAWLINE_MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def compiled(*words: str) -> Documents:
    assert main(["compile", *words]) == 0
    pipeline, platform = yaml.load_all(Path("pawline.yaml").read_text(encoding="utf-8"), FAST_LOADER)
    return pipeline, platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def environment_of(documents: Documents, verb: str) -> dict[str, str]:
    container = documents[0]["deploymentSpec"]["executors"][f"exec-{verb}"]["container"]
    return {item["name"]: item["value"] for item in container.get("env", [])}


def test_no_image_is_invented(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile"]) == 2
    assert "The steps' image must be named. Received: neither" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def images(documents: Documents) -> dict[str, str]:
    executors = documents[0]["deploymentSpec"]["executors"]
    return {name.removeprefix("exec-"): executor["container"]["image"] for name, executor in executors.items()}


def test_images_come_from_options_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(images(compiled(*IMAGE)).values()) == {"example.test/x:1"}
    two = images(compiled(*IMAGE, "--train-image", "example.test/y:1"))
    assert {verb for verb, image in two.items() if image == "example.test/y:1"} == {"train"}
    assert environment_of(compiled(*IMAGE, "--train-image", "y:1"), "train")["PAWLINE_IMAGE"] == "y:1"
    monkeypatch.setenv("PAWLINE_TRAIN_IMAGE", "example.test/z:1")
    assert set(images(compiled()).values()) == {"example.test/z:1"}
    assert images(compiled(*IMAGE))["train"] == "example.test/x:1"


def test_the_packaged_pipeline_is_never_overwritten(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = COMPILED_PIPELINE.read_bytes()
    (folder / "link.yaml").symlink_to(COMPILED_PIPELINE)
    for output in (str(COMPILED_PIPELINE), "link.yaml"):
        assert main(["compile", *IMAGE, "--output", output]) == 2
        assert "The packaged pipeline is what this machine runs" in capsys.readouterr().err
    assert COMPILED_PIPELINE.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"mine", b"# PIPELINE DEFINITION\n# Name: other\n"])
def test_a_file_of_somebody_elses_stays(folder: Path, content: bytes) -> None:
    (folder / "pawline.yaml").write_bytes(content)
    assert main(["compile", *IMAGE]) == 2
    assert (folder / "pawline.yaml").read_bytes() == content


def test_its_own_file_is_written_anew() -> None:
    first = compiled(*IMAGE)
    assert images(compiled("--image", "example.test/other:1")) != images(first)


def test_a_folder_is_no_file_to_write(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", *IMAGE, "--output", str(folder)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_mlflow_server_and_its_keys_are_those_of_the_steps_that_track(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAWLINE_MLFLOW_TRACKING_URI", "https://from-environment.test")
    documents = compiled(*IMAGE, "--mlflow", "https://mlflow.test/x", "--mlflow-secret", "theirs")
    for verb in ("extract", "split", "train", "test", "promote"):
        tracks = verb in ("train", "test", "promote")
        found = environment_of(documents, verb).get("MLFLOW_TRACKING_URI")
        assert found == ("https://mlflow.test/x" if tracks else None)
        secrets = documents[1][f"exec-{verb}"]["secretAsEnv"][1:]
        assert [(secret["secretName"], secret["optional"]) for secret in secrets] == [("theirs", True)] * tracks
    assert environment_of(compiled(*IMAGE), "train")["MLFLOW_TRACKING_URI"] == "https://from-environment.test"


def test_the_token_of_a_ray_cluster_is_given_to_the_steps_that_use_one() -> None:
    documents = compiled(*IMAGE, "--ray-secret", "pawline-ray")
    for verb in ("extract", "split", "train", "test", "promote"):
        secrets = documents[1][f"exec-{verb}"]["secretAsEnv"][1:]
        keys = [(secret["secretName"], secret["keyToEnv"]) for secret in secrets]
        token = [{"secretKey": "auth_token", "envVar": "RAY_AUTH_TOKEN"}]
        assert keys == [("pawline-ray", token)] * (verb in ("extract", "train", "test"))


@pytest.mark.parametrize("uri", ["https://me:s3cret@mlflow.example.test", "sqlite:///x.db", "mlflow:5000"])
@pytest.mark.parametrize("by", ["option", "environment"])
def test_no_password_is_written_down(
    uri: str, by: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if by == "environment":
        monkeypatch.setenv("PAWLINE_MLFLOW_TRACKING_URI", uri)
    assert main(["compile", *IMAGE, *(("--mlflow", uri) if by == "option" else ())]) == 2
    said = capsys.readouterr().err
    assert "must be the http(s) address of an MLflow server" in said
    assert "s3cret" not in said
    assert list(folder.iterdir()) == []


def test_what_a_cluster_asks_for_is_on_every_step() -> None:
    options = ("--pull-secret", "a", "--pull-secret", "b", "--ca-bundle", "trusted/all.pem", "--timeout-minutes", "90")
    label = ("--label", "kueue.x-k8s.io/queue-name=vision", "--label", "cost-center=42")
    documents = compiled(*IMAGE, *options, *label)
    for name, settings in documents[1].items():
        assert [secret["secretName"] for secret in settings["imagePullSecret"]] == ["a", "b"]
        assert settings["podMetadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "vision"
        assert settings["podMetadata"]["labels"]["cost-center"] == "42"
        assert settings["activeDeadlineSeconds"] == "5400"
        [volume] = settings["configMapAsVolume"]
        variables = environment_of(documents, name.removeprefix("exec-"))
        for variable in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
            assert variables[variable] == f"{volume['mountPath']}/all.pem"


def test_train_alone_gets_the_private_key_and_promote_the_public_one() -> None:
    documents = compiled(*IMAGE, "--signing-secret", "signing", "--trusted-key", "signers")
    mounts = {"secretAsVolume": ("exec-train", "PAWLINE_SIGNING_KEY", "signing.pem")}
    mounts["configMapAsVolume"] = ("exec-promote", "PAWLINE_TRUSTED_KEY", "signing.pub")
    for kind, (executor, variable, key) in mounts.items():
        assert {name for name, settings in documents[1].items() if kind in settings} == {executor}
        [volume] = documents[1][executor][kind]
        for name in documents[1]:
            found = environment_of(documents, name.removeprefix("exec-")).get(variable)
            assert found == (f"{volume['mountPath']}/{key}" if name == executor else None)
    assert not any(name.startswith("PAWLINE_SIGNING") for name in environment_of(compiled(*IMAGE), "train"))


def test_a_volume_takes_what_is_large_for_a_while() -> None:
    documents = compiled(*IMAGE, "--scratch", "50Gi", "--storage-class", "fast")
    volumes = {name: settings.get("genericEphemeralVolume") for name, settings in documents[1].items()}
    assert {name for name, found in volumes.items() if found} == {"exec-extract", "exec-train"}
    [volume] = volumes["exec-train"]
    assert (volume["size"], volume["storageClassName"]) == ("50Gi", "fast")
    image = (COMPILED_PIPELINE.parents[1] / "Dockerfile.train").read_text()
    assert volume["mountPath"] == re.search(r"TMPDIR=(\S+)", image)[1]  # type: ignore[index]
    assert environment_of(documents, "train")["PAWLINE_SCRATCH"] == volume["mountPath"]


def test_retries_can_be_left_to_the_cluster() -> None:
    def counts(*words: str) -> set[int | None]:
        tasks = compiled(*IMAGE, *words)[0]["root"]["dag"]["tasks"]
        return {task.get("retryPolicy", {}).get("maxRetryCount") for task in tasks.values()}

    assert counts("--retries", "4") == {None, 4}
    assert counts("--retries", "0") == {None}


@pytest.mark.parametrize("label", ["team", "=x", "a=b=c d", "team=a;team=b"])
def test_a_label_is_a_key_and_a_value(label: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [word for text in label.split(";") for word in ("--label", text)]
    assert main(["compile", *IMAGE, *words]) == 2
    assert "--label must be" in capsys.readouterr().err
    assert list(folder.iterdir()) == []
