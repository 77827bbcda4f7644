"""What may be sent to MLflow: addresses, names, lengths, and nothing that sounds like a secret."""

import posixpath
import re
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from components.step.addresses import SQLITE
from components.step.errors import UsageError, one_line
from components.step.secrets import without_secret_values

SCHEMES = ("http", "https", "sqlite", "postgresql", "mysql", "mssql", "databricks")
# The limits of MLflow's own store, mlflow/utils/validation.py.
MAX_NAME, MAX_PARAMETER, MAX_TAG = 250, 6000, 8000
_SECRET = re.compile(r"(?i)secret|passw|token|credential|private|api_?key|access_?key")
_URI = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_PASSWORD = re.compile(r"://[^/]*@")
_ILLEGAL = re.compile(r"[^/\w.\- ]")


def check_tracking_uri(uri: str) -> None:
    """Check that `uri` can be the address of an MLflow; no connection is made.

    Raises:
        UsageError: it cannot.
    """
    parts = _split(uri)
    scheme = parts.scheme.partition("+")[0].lower() if parts else ""
    needs_host = scheme in ("http", "https")
    if parts is None or scheme not in SCHEMES or (needs_host and not parts.hostname):
        raise UsageError(
            "MLFLOW_TRACKING_URI must be an http(s):// address or a database such as sqlite:////folder/mlflow.db. "
            f"Received: MLFLOW_TRACKING_URI={one_line(public_uri(uri), 200)}. Correct it, or unset it to track nothing."
        )


def public_uri(uri: str) -> str:
    """Return `uri` without user, password, query and fragment, to be shown and compared, never to be dialled."""
    if uri.startswith(SQLITE):  # A path, in which "#" and "@" are characters like others.
        return uri.partition("?")[0]
    # Not by urlsplit and back, which makes sqlite://// another path.
    return _PASSWORD.sub("://", re.split(r"[?#]", uri, maxsplit=1)[0])


def _split(uri: str) -> SplitResult | None:
    try:
        parts = urlsplit(uri.strip())
        return parts if parts.port is None or parts.port else None  # `port` raises on what is no number.
    except ValueError:
        return None


def without_secrets(values: Mapping[str, object]) -> dict[str, str]:
    """Return `values` as text, without those whose names sound secret, and URIs in them without passwords."""
    return {name: without_passwords(str(value)) for name, value in values.items() if not _SECRET.search(name)}


def without_passwords(text: str) -> str:
    """Return `text` with each URI in it as `public_uri` gives it, and without the environment's secrets."""
    return _URI.sub(lambda found: public_uri(found[0]), without_secret_values(text))


def with_legal_names(values: Mapping[str, float]) -> dict[str, float]:
    """Return metrics with names that MLflow accepts: class names in them may hold any character."""
    return {legal_name(name): float(value) for name, value in values.items()}


def legal_name(name: str) -> str:
    """Return `name` with each character that MLflow refuses replaced by "_", at most 250 long, no odd path."""
    legal = _ILLEGAL.sub("_", name)[: MAX_NAME - 1]
    if posixpath.normpath(legal) != legal or legal.startswith(("/", ".")):
        return "_" + legal.replace("/", "_")
    return legal
