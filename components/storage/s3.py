"""Objects in S3 or MinIO, through boto3: where and who from the environment, failures as one line.

`AWS_ENDPOINT_URL_S3` (or `MLFLOW_S3_ENDPOINT_URL`), keys, region and CA bundle are boto3's own variables.
"""

import functools
import io
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar, cast

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from components.step.errors import ServiceError, UsageError, one_line
from components.step.files import atomic_write
from components.storage.names import check_name
from components.storage.store import (
    EMPTY_FOLDER,
    LeftOut,
    ObjectChanged,
    ObjectMissing,
    ObjectUnreadable,
    StoredObject,
    unnoted,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Result = TypeVar("Result")

CONNECTIONS = 32
PROBE = ".pawline-may-write"
ATTEMPTS = 5
# Seconds. Five attempts with their pauses end within a minute where nothing answers the call.
CONNECT_TIMEOUT = 5
READ_TIMEOUT = 30
REGION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
# What AWS and its kin answer to a request for another region than the bucket's; to HEAD without a body, a bare 301.
OF_THE_REGION = ("AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException", "301")


class S3Store:
    """The objects below one prefix of a bucket."""

    def __init__(self, uri: str) -> None:
        """Stand for `uri`, `s3://bucket/prefix`.

        Raises:
            UsageError: it names no bucket.
        """
        bucket, _, path = uri[len("s3://") :].partition("/")
        if not BUCKET.fullmatch(bucket) or "?" in path:
            raise UsageError(f"An S3 URI must be s3://bucket/prefix. Received: {one_line(uri, 120)}. Correct the URI.")
        self._bucket = bucket
        self._prefix = f"{prefix}/" if (prefix := path.strip("/")) else ""

    def uri(self, name: str = "") -> str:
        """Return the `s3://` URI of the object called `name`."""
        return f"s3://{self._bucket}/{self._prefix}{name}".rstrip("/")

    def list(self, left_out: LeftOut = unnoted) -> Iterator[StoredObject]:
        """List the objects below the prefix, 1,000 a request; see `Store.list`."""
        folder = ""  # Consoles create empty objects to show folders; what lies in one follows it at once.
        paginator = self._asked("", lambda: s3_client().get_paginator("list_objects_v2"))
        pages = iter(paginator.paginate(Bucket=self._bucket, Prefix=self._prefix))
        while page := self._asked("", lambda: next(pages, None)):
            for found in page.get("Contents", []):
                name = found["Key"][len(self._prefix) :]
                if folder and not name.startswith(folder):
                    left_out(folder.rstrip("/"), EMPTY_FOLDER)
                folder = name if found["Key"].endswith("/") and not found["Size"] else ""
                if name and not folder:
                    yield StoredObject(name, found["Size"], found["ETag"])
        if folder:
            left_out(folder.rstrip("/"), EMPTY_FOLDER)

    def read(self, name: str, expected: StoredObject | None = None) -> bytes:
        """Return the object's bytes, tried again with growing pauses; see `Store.read`."""
        data = self._get(name, **({"IfMatch": expected.etag} if expected else {}))
        if expected and len(data) != expected.size:
            raise self._changed(name)
        return data

    def open(self, name: str) -> BinaryIO:
        """Return the object as a file read by ranges; see `Store.open`."""
        found = self._asked(name, lambda: s3_client().head_object(Bucket=self._bucket, Key=self._key(name)))
        read = lambda span: self._get(name, Range=span, IfMatch=found["ETag"])  # noqa: E731 - one line, used once.
        return cast(BinaryIO, _RangedFile(read, found["ContentLength"]))

    def _get(self, name: str, **options: str) -> bytes:
        key = self._key(name)
        for attempt in range(1, ATTEMPTS + 1):
            found = self._asked(name, lambda: s3_client().get_object(Bucket=self._bucket, Key=key, **options))  # type: ignore[arg-type]  # conditions vary
            try:
                with found["Body"] as body:
                    return body.read()
            except (BotoCoreError, HTTPError) as error:  # botocore retries what breaks before the body, not this.
                if attempt == ATTEMPTS:
                    reason = f"the answer broke off {ATTEMPTS} times ({type(error).__name__})"
                    raise self._failed(name, reason) from error
                time.sleep(0.1 * 2**attempt)
        raise AssertionError("every attempt returns or raises")

    def download(self, name: str, path: Path) -> None:
        """Download the object in parallel ranges; see `Store.download`."""
        with atomic_write(path) as temporary:
            self._asked(name, lambda: s3_client().download_file(self._bucket, self._key(name), str(temporary)))

    def upload(self, name: str, path: Path) -> None:
        """Upload the file at `path`, in parts if it is large; see `Store.upload`."""
        self._asked(name, lambda: s3_client().upload_file(str(path), self._bucket, self._key(name)))

    def exists(self, name: str) -> bool:
        """Tell whether there is an object called `name`."""
        try:
            self._asked(name, lambda: s3_client().head_object(Bucket=self._bucket, Key=self._key(name)))
        except ObjectMissing:
            return False
        return True

    def check_writable(self) -> None:
        """Put and delete an object of no bytes, called PROBE; see `Store`."""
        self._asked(PROBE, lambda: s3_client().put_object(Bucket=self._bucket, Key=self._key(PROBE), Body=b""))
        with suppress(ServiceError):  # Who may write and not delete can keep datasets, and leaves this one object.
            self._delete(PROBE)

    def clear(self) -> None:
        """Delete every object below the prefix; see `Store.clear`."""
        for found in list(self.list()):
            self._delete(found.name)

    def _delete(self, name: str) -> None:
        self._asked(name, lambda: s3_client().delete_object(Bucket=self._bucket, Key=self._key(name)))

    def _key(self, name: str) -> str:
        return self._prefix + check_name(name)

    def _asked(self, name: str, request: Callable[[], Result]) -> Result:
        try:
            return request()
        except ClientError as error:
            raise self._refused(name, error) from error
        except (BotoCoreError, Boto3Error) as error:
            raise self._failed(name, str(error)) from error

    def _refused(self, name: str, error: ClientError) -> Exception:
        code = error.response.get("Error", {}).get("Code", "")
        if code in ("NoSuchKey", "404"):
            return ObjectMissing(f"The object must exist. Received: {one_line(self.uri(name))}. Check the URI.")
        if code in ("PreconditionFailed", "412"):
            return self._changed(name)
        reason = f"{code}: {error.response.get('Error', {}).get('Message', '')}"
        if code == "InvalidObjectState":  # Of this object alone, unlike keys, rights and regions.
            return ObjectUnreadable(str(self._failed(name, reason)), f"is archived and must be restored first ({code})")
        if code in OF_THE_REGION:
            return self._failed(name, reason, "Set AWS_DEFAULT_REGION to the bucket's region")
        return self._failed(name, reason)

    def _changed(self, name: str) -> ObjectChanged:
        return ObjectChanged(
            f"An object must not change while it is read. Received: {one_line(self.uri(name))}. Run again."
        )

    def _failed(self, name: str, reason: str, advice: str = "Check endpoint, keys and bucket") -> ServiceError:
        received = f"{one_line(reason)} for {one_line(self.uri(name))}"
        return ServiceError(f"The S3 store at {endpoint() or 'AWS'} must answer. Received: {received}. {advice}.")


class _RangedFile(io.RawIOBase):
    """A seekable file of `size` bytes whose ranges are read from elsewhere."""

    def __init__(self, read_range: Callable[[str], bytes], size: int) -> None:
        self._read_range, self._size, self._position = read_range, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = start + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        end = self._size if size < 0 else min(self._position + size, self._size)
        if end <= self._position:
            return b""
        data = self._read_range(f"bytes={self._position}-{end - 1}")
        self._position += len(data)
        return data


def endpoint() -> str | None:
    """Return the endpoint that the environment names, None for AWS itself."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("MLFLOW_S3_ENDPOINT_URL") or None


@functools.cache
def s3_client() -> "S3Client":
    """Return this process's client; boto3 clients are safe to share between threads.

    Raises:
        UsageError: the environment names an endpoint that is no URL.
    """
    config = Config(
        retries={"mode": "standard", "max_attempts": ATTEMPTS},
        max_pool_connections=CONNECTIONS,
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        # Stores older than 2025 refuse the checksum headers that boto3 adds of itself; we check sizes and sha256.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        # MinIO and its kin answer under one host name; only AWS has a name for each bucket.
        s3={"addressing_style": "path" if endpoint() else "auto"},
    )
    try:
        # A session of its own: boto3's default one keeps the first keys it saw.
        return boto3.Session().client("s3", endpoint_url=endpoint(), config=config)
    except ValueError as error:
        raise _bad_environment() from error


def _bad_environment() -> UsageError:
    region = os.environ.get("AWS_DEFAULT_REGION", boto3.Session().region_name)
    if region is not None and not REGION.fullmatch(region):
        received = f"AWS_DEFAULT_REGION={one_line(repr(region), 80)}"
        return UsageError(f"AWS_DEFAULT_REGION must be a region such as eu-west-1. Received: {received}. Correct it.")
    return UsageError(f"AWS_ENDPOINT_URL_S3 must be a URL. Received: {one_line(endpoint())}. Correct it.")
