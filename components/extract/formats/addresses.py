"""Images named by where a tool keeps them: the part of such an address that may name a file of ours."""

import re
from urllib.parse import parse_qs, unquote, urlsplit

from components.storage.names import check_name

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
# Label Studio serves files of its own machine so; the query names the file.
_LOCAL_FILES = "data/local-files/"


def name_at(address: object, where: str = "") -> str:
    """Return the relative path that an `address` (URL, absolute or relative path) ends with, for `located` to find.

    Of an URL the host stays in front, as it is the bucket of `s3://bucket/prefix/name`. `where` is for the message.

    Raises:
        DataError: it is no text, or no part of it can name a file.
    """
    if not isinstance(address, str):
        return check_name(address, where)
    return check_name(_path(address).removeprefix("./").lstrip("/"), where)


def _path(address: str) -> str:
    if address.lstrip("/").startswith(f"{_LOCAL_FILES}?"):
        return next(iter(parse_qs(address.partition("?")[2]).get("d", [])), "")
    if not _SCHEME.match(address):
        return address
    try:
        parts = urlsplit(address)
    except ValueError:  # Such as a host in brackets that is none.
        return address
    # A key of S3 may hold "?" and "#"; its URI is never escaped.
    return address.partition("://")[2] if parts.scheme == "s3" else f"{parts.hostname or ''}{unquote(parts.path)}"
