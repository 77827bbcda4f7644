"""Every byte read from a store or written to one is verified by what it offers; slow and endless ones end."""

import hashlib
import time
from pathlib import Path

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.step import deadline
from components.step.errors import DataError, PawlineError, ServiceError
from components.storage import verification
from components.storage.folder import LocalStore
from components.storage.s3 import S3Store
from components.storage.s3_upload import PART_BYTES
from components.storage.store import ObjectDamaged, ObjectMissing
from components.storage.verification import MD5, NOTHING, OtherBytes, verified_by
from tests.conftest import Bucket
from tests.support.fault_proxy import FaultProxy

DATA = hashlib.shake_128(b"data").digest(3000)
LARGE = hashlib.shake_128(b"large").digest(2 * PART_BYTES + 1000)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.storage.s3_objects.time.sleep", lambda _: None)


def flipped(method: str, every_time: bool):
    """Return the plan that flips one bit of each body of `method`: in requests of PUT, in answers to GET."""
    flips: list[str] = []

    def plan(request) -> str | None:
        if request.method != method or (flips and not every_time):
            return None
        flips.append(f"flip {request.number}")
        return flips[-1]

    return plan


def asks_nothing(**_: object) -> dict[str, object]:
    return {}


def test_a_bit_that_flips_once_on_its_way_is_read_again(proxy: FaultProxy, bucket: Bucket, tmp_path: Path) -> None:
    bucket.put({"a": DATA})
    proxy.plan = flipped("GET", every_time=False)
    store = S3Store(bucket.uri())
    assert store.read("a") == DATA
    assert store.means() == {MD5: 1}
    store.download("a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == DATA


def test_a_bit_that_always_flips_is_refused(proxy: FaultProxy, bucket: Bucket, tmp_path: Path) -> None:
    bucket.put({"a": DATA})
    proxy.plan = flipped("GET", every_time=True)
    for act in (lambda: S3Store(bucket.uri()).read("a"), lambda: S3Store(bucket.uri()).download("a", tmp_path / "a")):
        with pytest.raises(ObjectDamaged, match="as its store keeps it"):
            act()
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("data", [DATA, LARGE], ids=["whole", "in parts"])
@pytest.mark.parametrize("every_time", [False, True])
def test_what_is_stored_is_what_was_sent_or_nothing(
    proxy: FaultProxy, bucket: Bucket, tmp_path: Path, data: bytes, every_time: bool
) -> None:
    (tmp_path / "source").write_bytes(data)
    proxy.plan = flipped("PUT", every_time)
    store = S3Store(bucket.uri())
    if every_time:
        with pytest.raises(ServiceError, match="other bytes"):
            store.upload("b", tmp_path / "source")
        with pytest.raises(ObjectMissing):
            store.open("b")
    else:
        store.upload("b", tmp_path / "source")
        assert bucket.client.get_object(Bucket=bucket.name, Key="b")["Body"].read() == data


@pytest.mark.parametrize("size", [0, 1, PART_BYTES, PART_BYTES + 1, len(LARGE)])
def test_uploads_of_every_size_arrive_and_are_verified_when_read(bucket: Bucket, tmp_path: Path, size: int) -> None:
    (tmp_path / "source").write_bytes(LARGE[:size])
    store = S3Store(bucket.uri())
    store.upload("b", tmp_path / "source")
    assert store.read("b") == LARGE[:size]
    store.download("b", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == LARGE[:size]
    assert store.means() == {MD5: 1}


def test_objects_of_other_clients_in_parts_are_verified_too(proxy: FaultProxy, bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(LARGE)
    odd = boto3.s3.transfer.TransferConfig(multipart_threshold=1, multipart_chunksize=7 << 20)
    bucket.client.upload_file(str(tmp_path / "source"), bucket.name, "a", Config=odd)
    store = S3Store(bucket.uri())
    assert store.read("a") == LARGE
    assert store.means() == {MD5: 1}
    proxy.plan = flipped("GET", every_time=True)
    with pytest.raises(ObjectDamaged):
        store.read("a")


def test_a_store_whose_etags_say_nothing_is_read_back_and_its_reads_counted(
    proxy: FaultProxy, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "source").write_bytes(DATA)
    monkeypatch.setattr("components.storage.s3.put", _unconfirmed)
    monkeypatch.setattr(verification, "_etag_is_md5", lambda _: False)
    store = S3Store(bucket.uri())
    store.upload("a", tmp_path / "source")
    assert [request.method for request in proxy.requests].count("GET") == 1
    assert store.read("a") == DATA
    assert set(store.means()) <= {NOTHING, verification.CHECKSUM}
    proxy.plan = flipped("PUT", every_time=True)
    with pytest.raises(ServiceError, match="keeps other bytes"):
        store.upload("a", tmp_path / "source")


def _unconfirmed(client, where, path: Path) -> bool:
    client.put_object(**where, Body=path.read_bytes())
    return False


def test_checksums_of_the_store_are_used_where_the_etag_says_nothing() -> None:
    sha256 = {"ChecksumSHA256": "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="}  # Of "abc".
    encrypted = {"ETag": f'"{"0" * 32}"', "ServerSideEncryption": "aws:kms"}
    assert verified_by(memoryview(b"abc"), encrypted, lambda **_: sha256) == verification.CHECKSUM
    with pytest.raises(OtherBytes):
        verified_by(memoryview(b"abd"), encrypted, lambda **_: sha256)
    assert verified_by(memoryview(b"abd"), encrypted, asks_nothing) == NOTHING


@given(data=st.binary(min_size=1, max_size=300), bit=st.integers(0, 2399))
def test_no_flipped_bit_has_the_same_digest(data: bytes, bit: int) -> None:
    facts = {"ETag": f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'}
    spoiled = bytearray(data)
    spoiled[bit // 8 % len(data)] ^= 1 << bit % 8
    assert verified_by(memoryview(data), facts, asks_nothing) == MD5
    with pytest.raises(OtherBytes):
        verified_by(memoryview(spoiled), facts, asks_nothing)


@pytest.mark.parametrize(
    "etag", ["", '"abc"', "W/1", f'"{"g" * 32}"', f'"{"0" * 32}-x"', f'"{"0" * 32}-0"', f'"{"0" * 32}-99999"']
)
def test_an_etag_that_is_no_md5_says_nothing(etag: str) -> None:
    assert verified_by(memoryview(b"abc"), {"ETag": etag}, asks_nothing) == NOTHING


@pytest.mark.parametrize("where", ["head", "body"])
def test_an_answer_of_a_byte_a_second_ends(
    proxy: FaultProxy, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    bucket.put({"a": DATA})
    monkeypatch.setattr(deadline, "SECONDS", 0.4)
    proxy.plan = lambda _: f"drip {where}"
    store = S3Store(bucket.uri())
    acts = [lambda: store.read("a"), lambda: store.download("a", tmp_path / "a"), lambda: list(store.list())]
    for act in acts:
        with pytest.raises(ServiceError, match=r"no whole answer within \d+ s"):
            act()


def test_a_deadline_grows_with_the_size() -> None:
    assert deadline.Deadline(0).seconds == deadline.SECONDS
    assert deadline.Deadline(1 << 30).seconds == deadline.SECONDS + (1 << 30) / deadline.LEAST_RATE


def test_what_the_work_raises_is_raised_and_a_timeout_of_its_own_is_not_the_deadlines() -> None:
    def fails() -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        deadline.within(deadline.Deadline(), fails)


def test_sizes_are_refused_before_anything_is_read(proxy: FaultProxy, bucket: Bucket, tmp_path: Path) -> None:
    bucket.put({"a": LARGE})
    (tmp_path / "a").write_bytes(DATA)
    for store in (S3Store(bucket.uri()), LocalStore(tmp_path)):
        with pytest.raises(DataError, match=r"at most 1,000 bytes\. Received: .*a with [0-9,]+\."):
            store.read("a", limit=1000)


@pytest.mark.parametrize("kind", ["pipe", "device", "socket"])
def test_only_regular_files_are_read(tmp_path: Path, kind: str) -> None:
    import os
    import socket

    if kind == "pipe":
        os.mkfifo(tmp_path / "a")
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind(str(tmp_path / "a"))
    store = LocalStore(Path("/dev") if kind == "device" else tmp_path)
    started = time.monotonic()
    for act in (store.read, store.open):
        with pytest.raises(PawlineError):
            act("zero" if kind == "device" else "a")
    assert time.monotonic() - started < 10
