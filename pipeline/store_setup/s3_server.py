"""The store that the environment names, spoken with by MinIO's SDK, which speaks S3 with any; failures in one line.

The same variables as for runs, with an administrator's keys: AWS_ENDPOINT_URL_S3, AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_DEFAULT_REGION, AWS_CA_BUNDLE.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import ParseError

import boto3

from components.step.errors import DataError, PawlineError, ServiceError, UsageError, one_line
from components.step.secrets import without_secret_values
from components.storage.s3 import CONNECT_TIMEOUT, READ_TIMEOUT
from components.storage.s3_environment import endpoint
from pipeline.cluster.connection_errors import reason_of

if TYPE_CHECKING:
    from minio import Minio, MinioAdmin
    from urllib3 import PoolManager

AWS = "https://s3.amazonaws.com"
USUAL_REGION = "us-east-1"
UNKNOWN_KEY = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidTokenId", "ExpiredToken")
OF_OTHERS = ("BucketAlreadyExists", "AllAccessDisabled")
OTHER_REGION = ("AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException")
NOT_KNOWN = ("NotImplemented", "MethodNotAllowed")  # What a store answers to what it cannot do.


class Refused(ServiceError):
    """The store does not let these keys do it; `code` is S3's word for why."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Keys:
    """What a store knows somebody by."""

    access: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class S3Server:
    """A store at `address`, http(s)://host[:port], and whose `keys` it is asked with."""

    address: str
    region: str
    keys: Keys

    @cached_property
    def is_minio(self) -> bool:
        """Tell whether it is a MinIO; one behind a proxy that hides its name is known by how it says that it lives.

        Raises:
            ServiceError: it does not answer.
        """
        if self.address == AWS:
            return False
        with spoken_with(self, "answer"):
            answer = self._http.request("GET", f"{self.address}/minio/health/live", redirect=False)
        return answer.headers.get("Server", "").startswith("MinIO") or (answer.status == 200 and not answer.data)

    @property
    def name(self) -> str:
        """Return what is said of it."""
        return f"{'MinIO' if self.is_minio else 'S3 store'} at {self.address}"

    @cached_property
    def client(self) -> "Minio":
        """Return what speaks S3 with it."""
        return self.client_of(self.keys)

    def client_of(self, keys: Keys) -> "Minio":
        """Return what speaks S3 with it for somebody else."""
        from minio import Minio

        host, secure = self._host
        return Minio(host, keys.access, keys.secret, keys.token, secure, self.region, self._http)

    @cached_property
    def admin(self) -> "MinioAdmin":
        """Return what speaks with MinIO as its administrator."""
        from minio import MinioAdmin
        from minio.credentials.providers import StaticProvider

        host, secure = self._host
        provider = StaticProvider(self.keys.access, self.keys.secret, self.keys.token)
        return MinioAdmin(
            endpoint=host, credentials=provider, region=self.region, secure=secure, http_client=self._http
        )

    @property
    def _host(self) -> tuple[str, bool]:
        parts = urlsplit(self.address)
        return parts.netloc, parts.scheme == "https"

    @cached_property
    def _http(self) -> "PoolManager":
        import certifi
        from urllib3 import PoolManager, Retry, Timeout

        return PoolManager(
            timeout=Timeout(CONNECT_TIMEOUT, READ_TIMEOUT),
            retries=Retry(2, backoff_factor=0.2, status_forcelist=[502, 503, 504]),
            cert_reqs="CERT_REQUIRED",
            ca_certs=os.environ.get("AWS_CA_BUNDLE") or certifi.where(),
        )


def named_store() -> S3Server:
    """Return the store that the environment names.

    Raises:
        UsageError: it names no keys, or an endpoint, a region or a CA bundle that is none.
    """
    session = boto3.Session()
    found = session.get_credentials()
    if found is None:
        raise UsageError(
            "An administrator's keys to the store must be given. Received: no AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY. Set them, and AWS_ENDPOINT_URL_S3 for a store that is not Amazon's."
        )
    frozen = found.get_frozen_credentials()
    bundle = os.environ.get("AWS_CA_BUNDLE")
    if bundle and not Path(bundle).is_file():
        raise UsageError(f"AWS_CA_BUNDLE must be a file. Received: {one_line(bundle, 120)}. Correct it.")
    keys = Keys(str(frozen.access_key), str(frozen.secret_key), frozen.token)
    server = S3Server(_address(), session.region_name or USUAL_REGION, keys)
    try:
        server.client  # noqa: B018  # The SDK's own rules for an address and a region.
    except ValueError as error:
        raise UsageError(
            "AWS_ENDPOINT_URL_S3 must be a URL, and AWS_DEFAULT_REGION a region. "
            f"Received: {without_secret_values(one_line(error, 200))}. Correct it."
        ) from error
    return server


@contextmanager
def spoken_with(server: S3Server, what: str) -> Iterator[None]:
    """Turn what goes wrong while `server` is to do `what` into one line.

    Raises:
        Refused: it does not let these keys.
        DataError: what is asked for is not to be had, such as somebody else's bucket.
        ServiceError: it does not answer, or not as a store.
    """
    from minio.error import MinioException, S3Error
    from urllib3.exceptions import HTTPError

    try:
        yield
    except S3Error as error:
        raise _refusal(server, what, error) from error
    except (MinioException, HTTPError, ParseError, OSError, ValueError) as error:
        page = "an answer that is no XML, such as a page,"
        reason = page if isinstance(error, ParseError) else _clean(reason_of(error), 200)
        raise ServiceError(
            f"The S3 store at {server.address} must answer. Received: {reason} when it was to {what}. "
            "Check AWS_ENDPOINT_URL_S3; a private CA is named by AWS_CA_BUNDLE."
        ) from error


def _refusal(server: S3Server, what: str, error: Any) -> PawlineError:
    code = str(error.code or "")
    received = f"{one_line(code, 60)}: {_clean(error.message, 200)} from {server.address}"
    if code in UNKNOWN_KEY:
        return Refused(
            f"The store must know the key. Received: {received}. Check AWS_ACCESS_KEY_ID and its secret.", code
        )
    if code in OF_OTHERS:
        return DataError(
            f"A bucket must be yours. Received: {received}. Name another one, as in s3://another/datasets."
        )
    if code in OTHER_REGION:
        return ServiceError(f"A store is asked in its region. Received: {received}. Set AWS_DEFAULT_REGION to it.")
    if code == "AccessDenied":
        return Refused(
            f"The key must have the right to {what}. Received: {received}. "
            "Set AWS_ACCESS_KEY_ID to an administrator's; a bucket may be somebody else's.",
            code,
        )
    return ServiceError(f"The store must {what}. Received: {received}. Check the store.")


def _address() -> str:
    named = (endpoint() or AWS).strip().rstrip("/")
    parts = urlsplit(named)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.path or parts.query:
        raise UsageError(
            "AWS_ENDPOINT_URL_S3 must be a URL such as https://s3.example.org, without a path, user or password. "
            f"Received: {without_secret_values(one_line(named, 120))}. Correct it."
        )
    return named


def _clean(text: object, limit: int) -> str:
    return without_secret_values(one_line(text, limit)).rstrip(".")
