"""Objects in S3 or MinIO, through boto3: where and who from the environment, failures as one line.

`AWS_ENDPOINT_URL_S3` (or `MLFLOW_S3_ENDPOINT_URL`), keys, region and CA bundle are boto3's own variables.
"""

import functools
import os
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from components.step.addresses import bucket_and_prefix
from components.step.deadline import Deadline
from components.step.errors import PawlineError, ServiceError, UsageError, one_line
from components.step.files import atomic_write
from components.step.parallel import in_order
from components.step.regular_files import MAX_BYTES, mapped
from components.step.secrets import strip_secrets
from components.storage.ranged_file import RangedFile
from components.storage.s3_environment import bad_environment, endpoint
from components.storage.s3_objects import ATTEMPTS, DAMAGED_ON_THE_WAY, Damaged, S3Objects, code_of
from components.storage.s3_quick_reads import QuickReads, quick_reads
from components.storage.s3_upload import CONCURRENT_PARTS, PART_BYTES, put
from components.storage.store import (
    EMPTY_FOLDER,
    LeftOut,
    ObjectDamaged,
    ObjectMissing,
    StoredObject,
    check_size,
    unnoted,
)
from components.storage.verification import MD5, Facts, OtherBytes, verified_by

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONNECTIONS = 32
PROBE = ".pawline-may-write"
# Seconds. Five attempts with their pauses end within a minute where nothing answers the call.
CONNECT_TIMEOUT = 5
READ_TIMEOUT = 30
BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")


class S3Store:
    """The objects below one prefix of a bucket."""

    def __init__(self, uri: str) -> None:
        """Stand for `uri`, `s3://bucket/prefix`.

        Raises:
            UsageError: it names no bucket.
        """
        bucket, path = bucket_and_prefix(uri)
        if not BUCKET.fullmatch(bucket) or "?" in path:
            raise UsageError(f"An S3 URI must be s3://bucket/prefix. Received: {one_line(uri, 120)}. Correct the URI.")
        prefix = path.strip("/")
        self._objects = S3Objects(s3_client, endpoint, bucket, f"{prefix}/" if prefix else "")
        self._means: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def _quick(self) -> QuickReads:
        return quick_reads(s3_client(), self._objects.bucket)

    def uri(self, name: str = "") -> str:
        """Return the `s3://` URI of the object called `name`."""
        return self._objects.uri(name)

    def list(self, left_out: LeftOut = unnoted) -> Iterator[StoredObject]:
        """List the objects below the prefix, 1,000 a request; see `Store.list`."""
        folder = ""  # Consoles create empty objects to show folders; what lies in one follows it at once.
        prefix, asked = self._objects.prefix, self._objects.asked
        paginator = asked("", lambda: s3_client().get_paginator("list_objects_v2"))
        pages = iter(paginator.paginate(Bucket=self._objects.bucket, Prefix=prefix))
        while page := asked("", lambda: next(pages, None)):
            self._quick.met()
            for found in page.get("Contents", []):
                name = found["Key"][len(prefix) :]
                if folder and not name.startswith(folder):
                    left_out(folder.rstrip("/"), EMPTY_FOLDER)
                folder = name if found["Key"].endswith("/") and not found["Size"] else ""
                if name and not folder:
                    yield StoredObject(name, found["Size"], found["ETag"], found["LastModified"].timestamp())
        if folder:
            left_out(folder.rstrip("/"), EMPTY_FOLDER)

    def read(self, name: str, expected: StoredObject | None = None, limit: int = MAX_BYTES) -> bytes:
        """Return the object's bytes, verified, tried again with growing pauses; see `Store.read`."""
        deadline = Deadline()
        data, means = self._quick.whole(self._key(name), expected.etag if expected else None, limit), MD5
        if data is None:
            data, means = self._explained(name, expected, limit, deadline)
        if expected and len(data) != expected.size:
            raise self._objects.changed(name)
        with self._lock:
            self._means[means] += 1
        return data

    def _explained(self, name: str, expected: StoredObject | None, limit: int, deadline: Deadline) -> tuple[bytes, str]:
        """Return the bytes as boto3 reads them, and by what they were verified; what goes wrong has its reason."""
        condition = {"IfMatch": expected.etag} if expected else {}

        def attempt(deadline: Deadline) -> tuple[bytes, str]:
            check = lambda size: check_size(self.uri(name), size, limit)  # noqa: E731 - one line, used once.
            data, facts = self._objects.get(name, deadline, check, **condition)
            return data, self._verified_by(name, memoryview(data), facts)

        found = self._objects.tried(name, attempt, deadline)
        self._quick.met()
        return found

    def _key(self, name: str) -> str:
        return str(self._objects.where(name)["Key"])

    def means(self) -> Mapping[str, int]:
        """Return how many reads were verified by what; see `Store.means`."""
        return dict(self._means)

    def open(self, name: str) -> BinaryIO:
        """Return the object as a file read by ranges; see `Store.open`."""
        found = self._objects.head(name)
        self._quick.met()
        read_range = functools.partial(self._range, name, found["ETag"])
        return cast(BinaryIO, RangedFile(read_range, found["ContentLength"]))

    def _range(self, name: str, etag: str, start: int, end: int) -> bytes:
        began, get = Deadline(), self._objects.get
        if (quick := self._quick.span(self._key(name), etag, start, end)) is not None:
            return quick
        span: dict[str, Any] = {"Range": f"bytes={start}-{end - 1}", "IfMatch": etag}
        data = self._objects.tried(name, lambda deadline: get(name, deadline, lambda _: None, **span)[0], began)
        if len(data) != end - start:
            raise self._objects.changed(name)
        return data

    def _verified_by(self, name: str, data: memoryview, facts: Facts) -> str:
        try:
            return verified_by(data, facts, functools.partial(self._objects.offered, name))
        except OtherBytes as error:
            raise Damaged(str(error)) from error

    def download(self, name: str, path: Path) -> None:
        """Download the object in parallel ranges, verified as a whole; see `Store.download`."""
        with atomic_write(path) as temporary:
            self._objects.tried(name, lambda deadline: self._download(name, temporary, deadline))

    def _download(self, name: str, path: Path, deadline: Deadline) -> None:
        facts = self._objects.head(name)
        size, etag = facts["ContentLength"], facts["ETag"]
        deadline.allow(size)
        spans = [(start, min(start + PART_BYTES, size)) for start in range(0, size, PART_BYTES)]
        ranges = in_order(lambda span: self._range(name, etag, *span), spans, CONCURRENT_PARTS, CONCURRENT_PARTS)
        with path.open("wb") as file:
            file.writelines(ranges)
        with mapped(path) as data:
            self._verified_by(name, data, facts)

    def upload(self, name: str, path: Path) -> None:
        """Upload the file at `path`, in parts if it is large, verified; see `Store.upload`."""
        try:
            self._objects.tried(name, lambda deadline: self._upload(name, path, deadline))
        except ObjectDamaged as error:
            with suppress(PawlineError):
                self._delete(name)  # What lies there now is neither the old nor the new.
            raise self._objects.failed(name, str(error.__cause__)) from error

    def _upload(self, name: str, path: Path, deadline: Deadline) -> None:
        deadline.allow(2 * path.stat().st_size)  # There, and perhaps back.
        try:
            confirmed = put(s3_client(), self._objects.where(name), path)
        except ClientError as error:
            if code_of(error) in DAMAGED_ON_THE_WAY:
                raise Damaged(f"the store received other bytes ({code_of(error)})") from error
            raise
        if not confirmed and not self._holds(name, path):
            raise Damaged("the store keeps other bytes than were sent")

    def _holds(self, name: str, path: Path) -> bool:
        """Read back what was uploaded: tell whether it is the file at `path`."""
        with self.open(name) as stored, path.open("rb") as sent:
            while block := sent.read(PART_BYTES):
                if stored.read(len(block)) != block:
                    return False
            return not stored.read(1)

    def exists(self, name: str) -> bool:
        """Tell whether there is an object called `name`."""
        try:
            self._objects.head(name)
        except ObjectMissing:
            return False
        return True

    def check_writable(self) -> None:
        """Put and delete an object of no bytes, called PROBE; see `Store`."""
        self._objects.asked(PROBE, lambda: s3_client().put_object(**self._objects.where(PROBE), Body=b""))
        with suppress(ServiceError):  # Who may write and not delete can keep datasets, and leaves this one object.
            self._delete(PROBE)

    def clear(self) -> None:
        """Delete every object below the prefix; see `Store.clear`."""
        for found in list(self.list()):
            self._delete(found.name)

    def _delete(self, name: str) -> None:
        self._objects.asked(name, lambda: s3_client().delete_object(**self._objects.where(name)))


@functools.cache
def s3_client() -> "S3Client":
    """Return this process's client; boto3 clients are safe to share between threads.

    Raises:
        UsageError: the environment names an endpoint that is no URL.
    """
    strip_secrets(os.environ)
    try:
        # A session of its own: boto3's default one keeps the first keys it saw.
        return boto3.Session().client("s3", endpoint_url=endpoint(), config=client_config(endpoint()))
    except ValueError as error:
        raise bad_environment() from error


def client_config(endpoint: str | None, attempts: int = ATTEMPTS) -> Config:
    """Return how a client speaks with the store at `endpoint`, None for AWS itself."""
    return Config(
        retries={"mode": "standard", "max_attempts": attempts},
        max_pool_connections=CONNECTIONS,
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        # Stores older than 2025 refuse the checksum headers that boto3 adds of itself; we check sizes and sha256.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        # MinIO and its kin answer under one host name; only AWS has a name for each bucket.
        s3={"addressing_style": "path" if endpoint else "auto"},
    )
