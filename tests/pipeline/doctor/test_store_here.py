"""The store with what the environment says, for a run that is local; and where a pod alone has the keys."""

import os
from pathlib import Path
from typing import Any

import pytest

from pipeline.doctor import store
from pipeline.doctor.finding import Finding
from pipeline.doctor.setup import Setup
from tests.conftest import Bucket
from tests.support.doctors_world import HERE, World, packaged


def found_here(folder: Path, **parameters: Any) -> list[Finding]:
    """Return what the check of the store says, where no cluster is."""
    defaults, steps = packaged()
    places = dict.fromkeys(("annotations_uri", "images_uri", "dataset_store"), str(folder)) | parameters
    nothing = "there is no connection"
    return list(store.check(Setup(defaults | places, steps, False, dict(os.environ), nothing, nothing, folder)))


def test_the_environments_keys_are_tried_and_nothing_stays(bucket: Bucket, tmp_path: Path) -> None:
    bucket.put({"images/a.png": b"png", "annotations.json": b"{}"})
    places = {"annotations_uri": bucket.uri("annotations.json"), "images_uri": bucket.uri("images")}
    found = found_here(tmp_path, **places, dataset_store=bucket.uri("datasets"))
    assert [each.state for each in found] == ["well"] * 4, found
    assert f"{bucket.uri('datasets')} at http://127.0.0.1" in found[-1].sentence
    assert "with the keys of this environment" in found[-1].sentence
    assert sorted(bucket.listed()) == ["annotations.json", "images/a.png"]


def test_a_bucket_that_is_not_there_is_named(bucket: Bucket, tmp_path: Path) -> None:
    found = found_here(tmp_path, dataset_store="s3://nowhere-at-all/datasets")
    assert "there is no bucket nowhere-at-all" in found[-1].sentence


@pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "both"])
def test_missing_keys_are_named(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "absent"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        if missing in (name, "both"):
            monkeypatch.delenv(name)
    found = found_here(tmp_path, dataset_store=bucket.uri())[-1]
    assert (found.subject, found.state) == ("store keys", "wrong"), found
    assert "this environment" in found.sentence


def test_the_name_of_a_data_connection_is_not_boto3s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    monkeypatch.setenv("AWS_S3_ENDPOINT", "https://store.example.org")
    found = found_here(tmp_path, dataset_store="s3://pets/datasets")[-1]
    assert (found.state, found.advice) == ("wrong", "Set AWS_ENDPOINT_URL_S3 to the same")


@pytest.mark.parametrize(
    ("address", "says"),
    [("http://localhost:9", "nothing listens at localhost:9"), ("http://[::1", "its address is no http(s) URL")],
)
def test_an_address_that_holds_a_secret_or_is_none_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, says: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", address)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "localhost")
    found = found_here(tmp_path, dataset_store="s3://pets/datasets")[-1]
    assert (found.state, says in found.sentence) == ("wrong", True), found


def test_folders_are_tried_where_they_are(tmp_path: Path) -> None:
    found = found_here(tmp_path, images_uri=str(tmp_path / "absent"), dataset_store=str(tmp_path / "new" / "sets"))
    by_subject = {each.subject: each for each in found}
    assert by_subject["store (images_uri)"].state == "wrong"
    assert "will be made in" in by_subject["store (dataset_store)"].sentence
    assert not (tmp_path / "new").exists()


def test_keys_of_workload_identity_are_the_pods_alone(world: World) -> None:
    world.has_keys(AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    account = {"metadata": {"name": "pipeline-runner", "annotations": {"eks.amazonaws.com/role-arn": "arn:x"}}}
    world.answers(f"{HERE}/serviceaccounts/pipeline-runner", account)
    states = {each.subject: each.state for each in world.examine() if each.state != "well"}
    assert states == {"store": "unchecked", "scratch": "unchecked", "secret pawline-s3": "note"}


def test_keys_of_the_environment_stand_for_a_secret_that_cannot_be_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.forbids(f"{HERE}/secrets/pawline-s3")
    here = {"AWS_ENDPOINT_URL_S3" if name == "AWS_S3_ENDPOINT" else name: value for name, value in world.keys.items()}
    for name, value in here.items():
        monkeypatch.setenv(name, value)
    found = {each.subject: each for each in world.examine(environment=here)}
    assert found["store (dataset_store)"].state == "well"
    assert "with the keys of this environment" in found["store (dataset_store)"].sentence
    assert found["secret pawline-s3"].state == "unchecked"
