"""S3 through a real server over HTTP: names, ranges, listings, and what goes wrong on the wire."""

import hashlib
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.step.errors import DataError, ServiceError, UsageError
from components.storage import s3
from components.storage.s3 import ATTEMPTS, S3Store, s3_client
from components.storage.s3_environment import endpoint
from components.storage.s3_objects import OF_THE_REGION, S3Objects
from components.storage.store import EMPTY_FOLDER, ObjectChanged, ObjectMissing, ObjectUnreadable, StoredObject
from components.storage.stores import open_store, read_bytes
from tests.conftest import Bucket
from tests.support.fault_proxy import FaultProxy

ODD_NAMES = ("naïve/日本 語.png", "a+b&c=d%20e#f?g.png", "'quoted' \"twice\" <x>.png", "e\u0301.png", "tilde~(1)*!.png")


def test_an_object_is_uploaded_listed_read_and_downloaded(bucket: Bucket, tmp_path: Path) -> None:
    store, source, data = open_store(bucket.uri("some/prefix/")), tmp_path / "source", bytes(range(256)) * 9
    source.write_bytes(data)
    store.upload("deep/er.bin", source)
    (found,) = store.list()
    assert (found.name, found.size) == ("deep/er.bin", len(data))
    assert store.exists("deep/er.bin")
    assert not store.exists("deep/er")
    assert store.read("deep/er.bin", found) == data == read_bytes(store.uri("deep/er.bin"))
    store.download("deep/er.bin", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == data
    assert bucket.listed() == ["some/prefix/deep/er.bin"]


def test_a_listing_has_every_page_and_nothing_beside_the_prefix(proxy: FaultProxy, bucket: Bucket) -> None:
    names = {f"{index}.png" for index in range(25)}
    bucket.put(
        {f"images/{name}": b"x" for name in names} | {"images2/no.png": b"x", "imagesno.png": b"x", "images/": b""}
    )
    ask_for_ten = lambda params, **_: params.setdefault("MaxKeys", 10)  # noqa: E731 - one line, used once.
    s3_client().meta.events.register("before-parameter-build.s3.ListObjectsV2", ask_for_ten)
    assert {found.name for found in S3Store(bucket.uri("images")).list()} == names
    assert sum("list-type=2" in request.path for request in proxy.requests) == 3


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_kept_exactly(bucket: Bucket, tmp_path: Path, name: str) -> None:
    store, source = S3Store(bucket.uri("images")), tmp_path / "source"
    source.write_bytes(name.encode())
    store.upload(name, source)
    assert [found.name for found in store.list()] == [name]
    assert store.read(name) == name.encode()


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(name=st.sampled_from(["../x", "/x", "a//b", "a\\b", "a\0b", "", ".", "a/../../b", "x" * 10_000, "\ud800"]))
def test_a_hostile_name_never_reaches_the_server(proxy: FaultProxy, bucket: Bucket, name: str) -> None:
    store, before = S3Store(bucket.uri("images")), len(proxy.requests)
    for act in (store.read, store.open, store.exists):
        with pytest.raises(DataError):
            act(name)
    assert len(proxy.requests) == before


@pytest.mark.parametrize("uri", ["s3://bucket", "s3://bucket/"])
def test_a_uri_of_a_whole_bucket_is_no_file(uri: str) -> None:
    with pytest.raises(UsageError, match="must name it below its bucket"):
        read_bytes(uri)


@pytest.mark.parametrize(
    "uri", ["s3://", "s3:///key", "s3://bucket/a?b=c", "s3://[x]/y", "s3://x]/y", "s3://[", "s3://a b/c", "s3://@/x"]
)
def test_a_uri_without_a_bucket_is_refused(uri: str) -> None:
    with pytest.raises(UsageError, match=r"must be s3://bucket/prefix\. Received"):
        open_store(uri)


def test_what_is_missing_is_named(bucket: Bucket) -> None:
    with pytest.raises(ObjectMissing, match=f"{bucket.name}/images/no.png"):
        S3Store(bucket.uri("images")).read("no.png")
    with pytest.raises(ObjectMissing):
        S3Store(bucket.uri("images")).open("no.png")
    with pytest.raises(ServiceError, match="NoSuchBucket"):
        list(S3Store("s3://no-such-bucket-here/images").list())


@pytest.mark.parametrize("region", ["", "eu west 1", "<region>", "-x", "a.b"])
def test_a_region_that_is_none_is_blamed_on_the_region(region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    s3_client.cache_clear()
    with pytest.raises(UsageError, match="AWS_DEFAULT_REGION must be a region") as caught:
        s3_client()
    assert f"AWS_DEFAULT_REGION={region!r}" in str(caught.value)


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        *((code, ServiceError, "Set AWS_DEFAULT_REGION") for code in OF_THE_REGION),
        ("InvalidObjectState", ObjectUnreadable, "InvalidObjectState"),
        ("AccessDenied", ServiceError, "Check endpoint, keys and bucket"),
    ],
)
def test_each_refusal_blames_what_is_wrong(code: str, kind: type[ServiceError], said: str) -> None:
    refused = ClientError({"Error": {"Code": code, "Message": "by the test"}}, "GetObject")

    def ask() -> None:
        raise refused

    with pytest.raises(kind, match=said) as caught:
        S3Objects(s3_client, endpoint, "bucket", "images/").asked("a.png", ask)
    assert str(caught.value).isprintable()


def test_only_folders_that_hold_nothing_are_left_out_of_a_listing(bucket: Bucket) -> None:
    keys = ("in/", "in/cat/", "in/cat/a.png", "in/dog/", "in/fox/deep/", "in/owl/x", "in/zoo/")
    bucket.put(dict.fromkeys(keys, b"") | {"in/odd/": b"not empty"})
    left_out: dict[str, str] = {}
    names = [found.name for found in S3Store(bucket.uri("in")).list(left_out.__setitem__)]
    assert names == ["cat/a.png", "odd/", "owl/x"]
    assert left_out == dict.fromkeys(("dog", "fox/deep", "zoo"), EMPTY_FOLDER)


def test_an_object_replaced_since_the_listing_is_refused(bucket: Bucket) -> None:
    bucket.put({"images/a": b"first"})
    store = S3Store(bucket.uri("images"))
    (listed,) = store.list()
    opened = store.open("a")
    bucket.put({"images/a": b"other"})
    with pytest.raises(ObjectChanged, match="Run again"):
        store.read("a", listed)
    with pytest.raises(ObjectChanged):
        opened.read()


def test_a_size_other_than_listed_is_refused_even_where_the_server_ignores_conditions(bucket: Bucket) -> None:
    bucket.put({"a": b"abc"})
    (listed,) = S3Store(bucket.uri()).list()
    with pytest.raises(ObjectChanged):
        S3Store(bucket.uri()).read("a", StoredObject("a", listed.size + 1, listed.etag))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(start=st.integers(0, 1100), size=st.integers(-1, 1100))
def test_a_ranged_file_reads_what_a_file_would(bucket: Bucket, start: int, size: int) -> None:
    data = hashlib.shake_128(b"ranges").digest(1000)
    bucket.put({"data": data})
    with S3Store(bucket.uri()).open("data") as file:
        assert file.seek(start) == file.tell() == start
        assert file.read(size) == (data[start:] if size < 0 else data[start : start + size])
        assert file.seek(-10, 2) == 990
        assert file.read() == data[990:]


def test_only_the_range_asked_for_is_read(proxy: FaultProxy, bucket: Bucket) -> None:
    bucket.put({"data": bytes(100_000)})
    with S3Store(bucket.uri()).open("data") as file:
        file.seek(500)
        file.read(100)
    assert [request.headers.get("range") for request in proxy.requests if request.method == "GET"] == ["bytes=500-599"]


@pytest.mark.parametrize("fault", ["500", "503", "reset", "hang", "truncate"])
def test_one_fault_is_survived(proxy: FaultProxy, bucket: Bucket, fault: str) -> None:
    bucket.put({"images/a": b"some bytes"})
    proxy.plan = lambda request: fault if request.attempt == 1 else None
    store = S3Store(bucket.uri("images"))
    assert [found.name for found in store.list()] == ["a"]
    assert store.exists("a")
    assert store.read("a") == b"some bytes"
    assert len([request for request in proxy.requests if request.attempt == 2]) >= 2


@pytest.mark.parametrize("fault", ["403", "500", "hang", "reset", "truncate", "garbage"])
def test_a_lasting_fault_is_one_line(
    proxy: FaultProxy, bucket: Bucket, fault: str, monkeypatch, tmp_path: Path
) -> None:
    bucket.put({"images/a": b"some bytes", "images/b": b"other"})
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(s3, "READ_TIMEOUT", 0.1)
    s3_client.cache_clear()
    proxy.plan = lambda _: fault
    store, source = S3Store(bucket.uri("images")), tmp_path / "source"
    source.write_bytes(b"x")
    acts = [lambda: list(store.list()), lambda: store.read("a"), lambda: store.download("a", tmp_path / "copy")]
    if fault not in ("truncate", "garbage"):  # Where an answer has no body, these do it no harm.
        acts += [lambda: store.exists("a"), lambda: store.open("a"), lambda: store.upload("c", source)]
    for act in acts if fault != "garbage" else acts[:1]:
        with pytest.raises(ServiceError, match=r"S3 store at http://127.+ must answer\. Received: ") as caught:
            act()
        assert "\n" not in str(caught.value)
        assert "test-secret" not in str(caught.value)
    assert not (tmp_path / "copy").exists()


def test_a_broken_body_is_asked_for_a_limited_number_of_times(proxy: FaultProxy, bucket: Bucket, monkeypatch) -> None:
    bucket.put({"a": b"some bytes"})
    monkeypatch.setattr(time, "sleep", lambda _: None)
    proxy.plan = lambda _: "truncate"
    with pytest.raises(ServiceError, match=f"broke off {ATTEMPTS} times"):
        S3Store(bucket.uri()).read("a")
    assert len([request for request in proxy.requests if request.method == "GET"]) == ATTEMPTS


def test_the_endpoint_of_mlflow_is_honoured_where_our_own_is_absent(bucket: Bucket, monkeypatch) -> None:
    bucket.put({"a": b"x"})
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", f"http://127.0.0.1:{bucket.port}")
    s3_client.cache_clear()
    assert S3Store(bucket.uri()).read("a") == b"x"


def test_an_endpoint_that_is_no_url_is_a_usage_error(s3_environment: int, monkeypatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "minio")
    s3_client.cache_clear()
    with pytest.raises(UsageError, match="AWS_ENDPOINT_URL_S3 must be a URL"):
        list(S3Store("s3://bucket/images").list())


def test_a_profile_that_does_not_exist_is_one_line(s3_environment: int, monkeypatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    s3_client.cache_clear()
    with pytest.raises(ServiceError, match="nobody"):
        list(S3Store("s3://bucket/images").list())


def test_attempts_and_timeouts_end_within_a_minute_where_nothing_answers() -> None:
    pauses = sum(min(20, 2**attempt) for attempt in range(ATTEMPTS - 1))
    assert ATTEMPTS * s3.CONNECT_TIMEOUT + pauses < 60
