"""Paths as addresses and back: the one place that quotes, so that no `%20`, `?` or `#` in a name means anything."""

import os
from pathlib import Path
from urllib.parse import quote, unquote

from components.step.errors import UsageError, one_line

SQLITE, FILE, S3 = "sqlite:///", "file://", "s3://"
# All that may stand in a path as it is; SQLAlchemy cuts an address at "?" and decodes what is left.
_PLAIN = "/ ,:;~@!$&'()*+=[]"


def bucket_and_prefix(uri: str) -> tuple[str, str]:
    """Return the bucket and what stands behind it of `uri`, which begins with `s3://` in any case; unchecked."""
    bucket, _, prefix = uri[len(S3) :].partition("/")
    return bucket, prefix


def sqlite_uri(path: Path) -> str:
    """Return the address of the SQLite database at `path`; a relative one stays relative."""
    return SQLITE + "".join(c if not c.isascii() else quote(c, safe=_PLAIN) for c in str(path))


def sqlite_path(uri: str) -> Path | None:
    """Return the file of the SQLite database at `uri`, None for other databases and for one with options."""
    return Path(unquote(uri.removeprefix(SQLITE))) if uri.startswith(SQLITE) and "?" not in uri else None


def file_uri(path: Path) -> str:
    """Return the `file://` URI of `path`."""
    return Path(os.path.abspath(path)).as_uri()


def file_path(uri: str) -> Path:
    """Return the path that `uri`, a `file://` URI or a plain path, stands for, absolute.

    `?` and `#` are read as people mean them, as characters of the path.

    Raises:
        UsageError: it names another machine, as `file://data` does where `file:///data` is meant.
    """
    if not uri.startswith(FILE):
        return Path(uri).absolute()
    path = uri.removeprefix(FILE).removeprefix("localhost")
    if not path.startswith("/"):
        raise UsageError(
            "A place must be s3://bucket/prefix, file:///folder (three slashes) or a path. "
            f"Received: {one_line(uri, 120)}. Correct the URI."
        )
    return Path(unquote(path))
