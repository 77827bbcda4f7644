"""Ordinary reads by the client in Rust: the same bytes, errors, keys and certificates as boto3's own reads."""

import hashlib
import json
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.step import deadline
from components.step.errors import DataError, PawlineError, ServiceError
from components.storage import s3, verification
from components.storage.s3 import S3Store, s3_client
from components.storage.s3_quick_reads import FORGIVEN, Unfit, _address, _quick_store
from components.storage.store import ObjectChanged, ObjectDamaged, ObjectMissing
from components.storage.verification import MD5
from tests.conftest import Bucket
from tests.support.fault_proxy import FaultProxy, Request
from tests.support.tls_front import tls_front

DATA = hashlib.shake_128(b"data").digest(3000)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.storage.s3_objects.time.sleep", lambda _: None)


def met(bucket: Bucket) -> S3Store:
    """Return the bucket's store after it has answered boto3, so that quick reads begin."""
    store = S3Store(bucket.uri())
    list(store.list())
    return store


def quick(requests: list[Request]) -> list[Request]:
    return [request for request in requests if "obstore/" in request.headers["user-agent"]]


def test_objects_and_ranges_are_read_quickly_once_boto3_was_answered(proxy: FaultProxy, bucket: Bucket) -> None:
    bucket.put({"a": DATA, "b": DATA[:10]})
    store = S3Store(bucket.uri())
    assert store.read("a") == DATA
    assert not quick(proxy.requests)
    assert (store.read("b"), store.read("a")) == (DATA[:10], DATA)
    with store.open("a") as file:
        file.seek(100)
        assert file.read(50) == DATA[100:150]
    assert [request.headers.get("range") for request in quick(proxy.requests)] == [None, None, "bytes=100-149"]
    assert store.means() == {MD5: 3}


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    name=st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="/\\"), min_size=1)
    .map(lambda text: f"x{text}"[:40])
    .filter(lambda text: len(text.encode()) <= 250)
)
def test_a_name_means_the_same_object_to_both_clients(proxy: FaultProxy, bucket: Bucket, name: str) -> None:
    bucket.put({f"deep/{name}": name.encode()})
    store, before = met(bucket), len(quick(proxy.requests))
    assert store.read(f"deep/{name}") == name.encode()
    assert len(quick(proxy.requests)) == before + 1


@pytest.mark.parametrize("fault", ["403", "500", "503", "reset", "hang", "truncate", "garbage", "flip 9"])
def test_a_fault_that_quick_reads_meet_is_survived(proxy: FaultProxy, bucket: Bucket, fault: str) -> None:
    bucket.put({"a": DATA})
    store = met(bucket)
    opened = store.open("a")
    store.read("a")
    proxy.plan = lambda request: fault if quick([request]) else None
    assert store.read("a") == DATA
    if not fault.startswith(("garbage", "flip")):  # Ranges are verified by who reads them: no store has their digests.
        assert opened.read() == DATA


@pytest.mark.parametrize("fault", ["403", "500", "hang", "reset", "truncate", "garbage", "403 archived"])
def test_a_lasting_fault_is_said_as_boto3_says_it(proxy: FaultProxy, bucket: Bucket, fault: str, monkeypatch) -> None:
    bucket.put({"a": DATA})
    if fault == "hang":
        monkeypatch.setattr(s3, "READ_TIMEOUT", 0.1)
        s3_client.cache_clear()
    proxy.plan = lambda _: fault
    store, said = S3Store(bucket.uri()), []
    for begin in (lambda: None, store._quick.met):
        begin()
        with pytest.raises(PawlineError) as caught:
            store.read("a")
        said.append((type(caught.value), str(caught.value)))
    assert said[0] == said[1]
    assert quick(proxy.requests)


def test_what_is_missing_changed_or_too_large_is_said_as_ever(proxy: FaultProxy, bucket: Bucket) -> None:
    bucket.put({"a": DATA})
    store = met(bucket)
    (listed,) = store.list()
    opened = store.open("a")
    with pytest.raises(DataError, match=r"at most 1,000 bytes\. Received: .*a with 3,000"):
        store.read("a", limit=1000)
    bucket.put({"a": DATA[::-1]})
    with pytest.raises(ObjectChanged):
        store.read("a", listed)
    with pytest.raises(ObjectChanged):
        opened.read()
    with pytest.raises(ObjectMissing):
        store.read("b")
    assert quick(proxy.requests)


def test_a_bit_that_always_flips_is_refused(proxy: FaultProxy, bucket: Bucket) -> None:
    bucket.put({"a": DATA})
    store = met(bucket)
    proxy.plan = lambda _: "flip 77"
    with pytest.raises(ObjectDamaged):
        store.read("a")
    assert quick(proxy.requests)


@pytest.mark.parametrize("where", ["head", "body"])
def test_an_answer_of_a_byte_a_second_ends(proxy: FaultProxy, bucket: Bucket, where: str, monkeypatch) -> None:
    bucket.put({"a": DATA})
    store = met(bucket)
    monkeypatch.setattr(deadline, "SECONDS", 0.4)
    proxy.plan = lambda _: f"drip {where}"
    started = time.monotonic()
    with pytest.raises(ServiceError, match=r"no whole answer within \d+ s"):
        store.read("a")
    assert time.monotonic() - started < 60
    assert quick(proxy.requests)


def test_a_store_whose_etags_prove_nothing_is_soon_left_to_boto3(
    proxy: FaultProxy, bucket: Bucket, monkeypatch
) -> None:
    bucket.put({str(number): DATA for number in range(12)})
    monkeypatch.setattr(verification, "_etag_is_md5", lambda _: False)
    store = met(bucket)
    assert all(store.read(str(number)) == DATA for number in range(12))
    assert len(quick(proxy.requests)) == FORGIVEN + 1


@pytest.mark.parametrize("source", ["environment", "profile", "process"])
def test_keys_come_from_wherever_boto3_has_them(
    proxy: FaultProxy, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    bucket.put({"a": DATA})
    if source != "environment":
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        given = {"AccessKeyId": "other-key", "SecretAccessKey": "other-secret", "SessionToken": "other-token"}
        ends = {"Version": 1, "Expiration": "2099-01-01T00:00:00Z"}
        (tmp_path / "keys.json").write_text(json.dumps(given | ends))
        lines = {
            "profile": "aws_access_key_id=other-key\naws_secret_access_key=other-secret\naws_session_token=other-token",
            "process": f"credential_process={sys.executable} -c \"print(open('{tmp_path}/keys.json').read())\"",
        }
        (tmp_path / "config").write_text(f"[profile team]\n{lines[source]}\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        monkeypatch.setenv("AWS_PROFILE", "team")
        s3_client.cache_clear()
    assert met(bucket).read("a") == DATA
    [request] = quick(proxy.requests)
    key, token = ("test-key", None) if source == "environment" else ("other-key", "other-token")
    assert f"Credential={key}/" in request.headers["authorization"]
    assert "/us-east-1/s3/aws4_request" in request.headers["authorization"]
    assert request.headers.get("x-amz-security-token") == token


def test_a_store_behind_a_proxy_is_left_to_boto3_and_one_that_is_not_is_read_directly(
    proxy: FaultProxy, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put({"a": DATA})
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert met(bucket).read("a") == DATA
    assert len(quick(proxy.requests)) == 1
    monkeypatch.setenv("NO_PROXY", "elsewhere")
    monkeypatch.setenv("no_proxy", "elsewhere")
    s3_client.cache_clear()
    with pytest.raises(Unfit, match="proxy"):
        _quick_store(s3_client(), bucket.name)


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_certificates_of_a_private_authority_hold_for_both_clients(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    bucket.put({"a": DATA})
    with tls_front(bucket.port, tmp_path) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", front.url)
        monkeypatch.setenv(variable, str(front.authority))
        s3_client.cache_clear()
        store = met(bucket)
        assert store.read("a") == DATA
        assert store._quick._read == 1
        monkeypatch.delenv(variable)
        s3_client.cache_clear()
        unknown = S3Store(bucket.uri())
        unknown._quick.met()
        with pytest.raises(ServiceError, match=r"(?i)certificate"):
            unknown.read("a")
        assert unknown._quick._failed == 1


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({}, "https://bucket.s3.eu-west-1.amazonaws.com"),
        ({"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "https://bucket.s3.dualstack.eu-west-1.amazonaws.com"),
        ({"AWS_ENDPOINT_URL_S3": "http://minio:9000"}, "http://minio:9000/bucket"),
        ({"AWS_ENDPOINT_URL_S3": "https://gateway/s3/"}, "https://gateway/s3/bucket"),
    ],
)
def test_the_address_is_the_one_that_boto3_asks(
    s3_environment: int, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], address: str
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    s3_client.cache_clear()
    assert _address(s3_client(), "bucket") == address


def test_a_bucket_is_met_once_for_all_its_prefixes(proxy: FaultProxy, bucket: Bucket) -> None:
    bucket.put({"a/x": DATA, "b/y": DATA})
    list(S3Store(bucket.uri("a")).list())
    assert S3Store(bucket.uri("b")).read("y") == DATA
    assert len(quick(proxy.requests)) == 1
