"""What is ordinary about reading from S3, by a client in Rust at a fraction of boto3's work; all else boto3 reads.

It has boto3's address of the bucket, credentials and certificates, no proxies, and one attempt. It explains nothing:
what it cannot read, or not prove, is read again by boto3, which knows why, how often to try and what to say. For the
same reason nothing is read here before boto3 was answered, and no more once too much had to be read again.
"""

import functools
import os
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import botocore.session
from botocore.utils import get_environ_proxies

from components.step import deadline
from components.storage.verification import by_etag

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from obstore import GetResult
    from obstore.store import S3Store

# Of boto3's credentials, which are good for ten minutes at least; what is left of them is half when they are renewed.
CREDENTIALS_LAST = timedelta(minutes=10)
FORGIVEN = 3  # Failures, and one more for each FORGIVEN_SHARE reads that went well.
FORGIVEN_SHARE = 8
_making = threading.Lock()
NO_PROXY = "http://127.0.0.1:9"  # For no host at all, as the one host is excluded: the client obeys other variables.


class QuickReads:
    """Reads objects of `bucket` with what `client` knows; see `quick_reads`."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        """Read nothing until `met`."""
        self._client, self._bucket, self._lock = client, bucket, threading.Lock()
        self._met, self._read, self._failed = False, 0, 0

    def met(self) -> None:
        """Note that the store has answered boto3."""
        self._met = True

    def whole(self, key: str, etag: str | None, limit: int) -> bytes | None:
        """Return the bytes of the object if they are those of its ETag and at most `limit`; None if boto3 is to say.

        With `etag` the object must be the one that has it.
        """

        def verified(found: "GetResult") -> bytes | None:
            if found.meta["size"] > limit:
                return None
            data = found.bytes().to_bytes()
            return data if by_etag(memoryview(data), {"ETag": found.meta["e_tag"] or ""}) else None

        return self._tried(key, {"if_match": etag} if etag else {}, verified)

    def span(self, key: str, etag: str, start: int, end: int) -> bytes | None:
        """Return the bytes from `start` up to, not including, `end` of the object that has `etag`; None as `whole`."""

        def complete(found: "GetResult") -> bytes | None:
            data = found.bytes().to_bytes()
            return data if len(data) == end - start else None

        return self._tried(key, {"if_match": etag, "range": (start, end)}, complete)

    def _tried(self, key: str, options: Any, taken: "Callable[[GetResult], bytes | None]") -> bytes | None:
        if not self._met or self._failed > FORGIVEN + self._read // FORGIVEN_SHARE:
            return None
        try:
            import obstore  # Not in the server's image, which reads one bundle at a time.

            with _making:  # Certificates and connections are there once, however many begin at once.
                store = _quick_store(self._client, self._bucket)
            data = taken(obstore.get(store, key, options=options))
        except Exception:  # Whatever it is, boto3 meets it next.
            data = None
        with self._lock:
            self._read += data is not None
            self._failed += data is None
        return data


@functools.lru_cache(maxsize=16)
def quick_reads(client: "S3Client", bucket: str) -> QuickReads:
    """Return the one QuickReads of `client` and `bucket`: what is known of a bucket holds below all its prefixes."""
    return QuickReads(client, bucket)


class Unfit(Exception):
    """The client in Rust would not do as boto3 does."""


@functools.lru_cache(maxsize=16)
def _quick_store(client: "S3Client", bucket: str) -> "S3Store":
    import obstore
    from obstore.auth.boto3 import Boto3CredentialProvider
    from obstore.store import S3Store

    address = _address(client, bucket)
    if get_environ_proxies(address):
        raise Unfit("a proxy is for boto3, whose rules differ")
    config: Any = client.meta.config  # Its stubs know nothing of what it holds.
    session = botocore.session.get_session()
    options: Any = {
        "allow_http": urlsplit(address).scheme == "http",
        "connect_timeout": timedelta(seconds=config.connect_timeout),
        "read_timeout": timedelta(seconds=config.read_timeout),
        "timeout": timedelta(seconds=deadline.SECONDS),
        "proxy_url": NO_PROXY,
        "proxy_excludes": urlsplit(address).hostname,
        "user_agent": f"{config.user_agent} obstore/{obstore.__version__}",
    }
    if bundle := session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE"):  # As boto3 does.
        options["root_certificate"] = Path(bundle).read_bytes()
    # The endpoint is the bucket's own address, of whatever style; under this name it goes before the environment's.
    where: Any = {
        "aws_endpoint_url_s3": address,
        "virtual_hosted_style_request": True,
        "region": _region(client),
    }
    return S3Store(
        bucket,
        config=where,
        credential_provider=Boto3CredentialProvider(session, ttl=CREDENTIALS_LAST),
        client_options=options,
        retry_config={"max_retries": 0},
    )


def _address(client: "S3Client", bucket: str) -> str:
    """Return where `client` looks for the objects of `bucket`, without the last slash.

    Raises:
        Unfit: it signs as stores did before 2014.
    """
    config: Any = client.meta.config
    if config.signature_version not in ("s3v4", "v4"):
        raise Unfit("signs in another way")
    key = "key"
    signed = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key})
    # Addresses to hand out are those of no region, by a rule of old that boto3 keeps for them alone.
    regional = f"s3.{_region(client)}.amazonaws.com"
    return signed.partition("?")[0].removesuffix(f"/{key}").replace("s3.amazonaws.com", regional, 1)


def _region(client: "S3Client") -> str:
    return client.meta.region_name.replace("aws-global", "us-east-1")  # Where boto3 was given none.
