"""Stores by their address: `s3://bucket/prefix`, `file://` and plain paths."""

from urllib.parse import unquote

from components.step.addresses import file_path
from components.step.errors import UsageError, one_line
from components.step.regular_files import MAX_BYTES
from components.storage.folder import LocalStore
from components.storage.store import Store


def open_store(uri: str) -> Store:
    """Return the store at `uri`; nothing is read yet.

    Raises:
        UsageError: `uri` is empty or of a scheme that is not supported.
    """
    scheme, separator, _ = uri.partition("://")
    if separator and scheme.lower() == "s3":
        from components.storage.s3 import S3Store  # boto3 takes 0.3 s to import and local runs never need it.

        return S3Store(uri)
    if uri and (not separator or scheme == "file") and "\0" not in uri:
        return LocalStore(file_path(uri))
    raise UsageError(
        "A store must be s3://bucket/prefix, file:///folder or a path. "
        f"Received: {one_line(repr(uri), 120)}. Correct the URI."
    )


def split_uri(uri: str) -> tuple[Store, str]:
    """Return the store and the name of the single object at `uri`.

    Raises:
        UsageError: `uri` names no more than a bucket, or a scheme that is not supported.
    """
    parent, _, name = uri.rstrip("/").rpartition("/")
    if parent.endswith(":/"):
        raise UsageError(
            f"The URI of a file must name it below its bucket. Received: {one_line(repr(uri), 120)}. Correct the URI."
        )
    if parent in ("", "file://") and uri.startswith(("/", "file://")):
        parent += "/"
    return open_store(parent or "."), unquote(name) if uri.startswith("file://") else name


def read_bytes(uri: str, limit: int = MAX_BYTES) -> bytes:
    """Return the bytes of the object at `uri`; raises as `Store.read` does."""
    store, name = split_uri(uri)
    return store.read(name, limit=limit)
