"""extract over a line and a store that spoil bytes: nothing spoiled enters a dataset, what is damaged is repaired."""

import itertools
import random
from pathlib import Path

import pytest

from components.dataset.snapshot import open_dataset
from components.extract import image_reading
from components.step.errors import DataError
from tests.conftest import Bucket
from tests.support import generated
from tests.support.extraction import assert_refused, extract_arguments, run_extract
from tests.support.fault_proxy import FaultProxy, Request

IMAGES = generated.noise_images(12)
LEAST_FLIPS = 200
FAULTS = ("500", "503", "reset", "truncate", "flip")


@pytest.fixture
def in_s3(proxy: FaultProxy, bucket: Bucket, pets: Path, tmp_path: Path, monkeypatch) -> list[str]:
    """The arguments of an extract that has everything in S3, behind the proxy, without pauses."""
    monkeypatch.setattr("components.storage.s3_objects.time.sleep", lambda _: None)
    bucket.put({f"images/{name}": data for name, data in IMAGES.items()})
    bucket.put({"annotations.json": (pets / "annotations.json").read_bytes()})
    places = (bucket.uri("annotations.json"), bucket.uri("images"), bucket.uri("datasets"))
    return extract_arguments(tmp_path / "out", *places)


def assert_right(uri: str) -> None:
    """Check that each image of the dataset is the original."""
    dataset = open_dataset(uri)
    found = {sample.sample_id: data for sample, data in dataset.images(dataset.samples())}
    assert found == IMAGES


def test_the_log_and_the_report_say_what_the_bytes_were_verified_by(
    in_s3: list[str], pets: Path, tmp_path: Path
) -> None:
    said = "Bytes verified as their store keeps them: 12 by MD5."
    assert said in run_extract(in_s3).stderr
    assert said in (tmp_path / "out" / "report.html").read_text()
    on_disk = extract_arguments(tmp_path / "out", pets / "annotations.json", pets / "images", tmp_path / "datasets")
    assert "12 by nothing but size and time" in run_extract(on_disk).stderr


def test_damaged_files_in_the_bucket_are_found_by_readers_and_repaired_by_extract(
    in_s3: list[str], bucket: Bucket
) -> None:
    uri = run_extract(in_s3).dataset_uri
    for key in [key for key in bucket.listed() if key.endswith(".parquet")]:
        data = bucket.client.get_object(Bucket=bucket.name, Key=key)["Body"].read()
        for position in (len(data) // 2, len(data) - 100):
            spoiled = bytearray(data)
            spoiled[position] ^= 1
            bucket.put({key: bytes(spoiled)})
            if position == len(data) // 2:  # Where images lie; of the rest of a part no step reads anything.
                with pytest.raises(DataError, match=r"unchanged since extract.*Run extract again"):
                    assert_right(uri)
            assert run_extract(in_s3).code == 0
            assert bucket.client.get_object(Bucket=bucket.name, Key=key)["Body"].read() == data
            assert_right(uri)


def test_images_that_are_too_large_are_refused_from_the_listing(
    in_s3: list[str], proxy: FaultProxy, bucket: Bucket, monkeypatch
) -> None:
    monkeypatch.setattr(image_reading, "MAX_IMAGE_BYTES", 5000)
    bucket.put({"images/page5.png": IMAGES["page5.png"] + bytes(5000)})
    assert_refused(run_extract(in_s3), 1, "page5.png has ", "more than the limit of 5,000")
    assert not [request for request in proxy.requests if request.path.endswith("page5.png")]


def test_the_bytes_in_memory_are_bounded(in_s3: list[str], monkeypatch) -> None:
    monkeypatch.setattr(image_reading, "MAX_BYTES_IN_FLIGHT", 1)
    assert_right(run_extract(in_s3).dataset_uri)


def test_an_image_that_is_damaged_in_its_store_is_a_bad_sample(in_s3: list[str], proxy: FaultProxy) -> None:
    proxy.plan = lambda request: "flip 99" if request.path.endswith("page5.png") else None
    assert_refused(run_extract(in_s3), 1, "page5.png did not arrive as its store keeps it")
    dropped = run_extract([*in_s3, "--on-bad-sample", "drop"]).dataset()
    assert {sample.sample_id for sample in dropped.samples()} == IMAGES.keys() - {"page5.png"}


@pytest.mark.slow
def test_no_spoiled_byte_is_accepted_in_either_direction(
    in_s3: list[str], proxy: FaultProxy, bucket: Bucket, tmp_path: Path
) -> None:
    flips = {"GET": 0, "PUT": 0}
    ended_well = 0
    for seed in itertools.count():
        if min(flips.values()) >= LEAST_FLIPS:
            break
        proxy.plan = _spoiling(random.Random(seed), flips)  # noqa: S311 - the same faults every time
        outcome = run_extract(in_s3)
        proxy.plan = lambda _: None
        if outcome.code == 0:
            ended_well += 1
            assert_right(outcome.dataset_uri)
        else:
            assert_refused(outcome, 1)
        bucket.client.delete_objects(
            Bucket=bucket.name,
            Delete={"Objects": [{"Key": key} for key in [*bucket.listed(), "x"] if not key.startswith(("i", "a"))]},
        )
    assert ended_well > 10, "nearly every run failed, which shows little"


def _spoiling(rng: random.Random, flips: dict[str, int]):
    """Return the plan that spoils bodies of objects, more or less often, and notes each flip in `flips`."""
    share, uploads = rng.choice((0.02, 0.1, 0.5)), rng.choice((0.1, 0.5, 1.0))

    def plan(request: Request) -> str | None:
        if "list-type" in request.path or request.method not in flips:
            return None
        if rng.random() > (uploads if request.method == "PUT" else share):
            return None
        fault = rng.choice(FAULTS) if request.method == "GET" else "flip"
        if fault == "flip":
            flips[request.method] += 1
            return f"flip {rng.randrange(10**6)}"
        return fault

    return plan
