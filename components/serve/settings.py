"""What the environment says about serving: `PAWLINE_SERVE_*`, typed; a wrong or unknown one ends the start."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from components.dataset.images import MAX_PIXELS
from components.serve.service_links import without_service_links
from components.step.errors import UsageError, one_line
from components.step.nearest import did_you_mean

PREFIX = "PAWLINE_SERVE_"
OAUTH2 = f"{PREFIX}OAUTH2_"  # Checked by components/serve/auth/authorization.py.
OAUTH2_SETTINGS = ("ISSUER", "AUDIENCE", "JWKS_URI", "SCOPES")
MIB = 1 << 20

Value = TypeVar("Value", int, float)


@dataclass(frozen=True, slots=True)
class Settings:
    """How to serve; times in seconds. The table in docs/serving.md describes each."""

    model: str = ""
    host: str = "127.0.0.1"
    port: int = 8080
    model_name: str = ""
    model_version: str = ""
    watch: float = 0.0
    workers: int = 0
    queue: int = 64
    max_body_bytes: int = 20 * MIB
    max_buffered_bytes: int = 64 * MIB
    max_pixels: int = 25_000_000
    max_batch: int = 32
    timeout: float = 10.0
    drain: float = 20.0
    page: bool = True
    access_log: bool = True
    cors_origins: str = ""


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Return the settings in `environment`, defaults where it has none.

    Raises:
        UsageError: a value is not what it must be, or a name is not known: a misspelt limit must not be no limit.
    """
    ours = without_service_links(environment, PREFIX.rstrip("_"))
    given = {name.removeprefix(PREFIX): value for name, value in ours.items() if _is_ours(name)}
    if unknown := sorted(set(given) - set(_READERS)):
        known = [*sorted(_READERS), *(f"OAUTH2_{name}" for name in OAUTH2_SETTINGS)]
        hint = did_you_mean(unknown[0], known)
        raise UsageError(
            f"A setting that begins with {PREFIX} must be one of {', '.join(known)}. "
            f"Received: {one_line(PREFIX + unknown[0], 120)}. {hint}Correct or remove it."
        )
    settings = Settings(**{name.lower(): _read(name, value) for name, value in given.items()})
    if settings.max_buffered_bytes < settings.max_body_bytes:
        raise UsageError(
            f"{PREFIX}MAX_BUFFERED_BYTES must be at least {PREFIX}MAX_BODY_BYTES. "
            f"Received: {settings.max_buffered_bytes} and {settings.max_body_bytes}. Correct one."
        )
    return settings


def _is_ours(name: str) -> bool:
    return name.startswith(PREFIX) and not name.startswith(OAUTH2)


def _read(name: str, value: str) -> Any:
    rule, read = _READERS[name]
    try:
        return read(value)
    except ValueError:
        received = one_line(repr(value), 120)
        raise UsageError(f"{PREFIX}{name} must be {rule}. Received: {received}. Correct it.") from None


def _text(value: str) -> str:
    if not value or len(value) > 1024 or not value.isprintable() or value != value.strip():
        raise ValueError
    return value


def _name(value: str) -> str:
    # A segment of a URL's path and a label of Prometheus.
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", value):
        raise ValueError
    return value


def _origins(value: str) -> str:
    if not value.strip(" ") or not all(origin == "*" or _ORIGIN.fullmatch(origin) for origin in value.split(" ")):
        raise ValueError
    return value


def _flag(value: str) -> bool:
    return {"true": True, "false": False}[value] if value in ("true", "false") else _wrong()


def _wrong() -> bool:
    raise ValueError


def _number(kind: type[Value], low: Value, high: Value) -> tuple[str, Callable[[str], Value]]:
    def read(value: str) -> Value:
        number = kind(value) if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value) else kind("none")
        if not low <= number <= high:
            raise ValueError
        return number

    return f"{'a whole number' if kind is int else 'a number'} from {low} to {high}", read


_TEXT = ("a text of 1 to 1024 printable characters", _text)
_NAME = ("1 to 128 letters, digits, '.', '_' or '-'", _name)
_FLAG = ("true or false", _flag)
# Source: RFC 6454, 6.2. As browsers send it: in lower case, without the usual port, a path or a slash.
_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
_ORIGINS = ("* or origins separated by a space, as https://example.org or http://localhost:3000", _origins)
_READERS: dict[str, tuple[str, Callable[[str], object]]] = {
    "MODEL": _TEXT,
    "HOST": _TEXT,
    "PORT": _number(int, 0, 65535),
    "MODEL_NAME": _NAME,
    "MODEL_VERSION": _NAME,
    "WATCH": _number(float, 0.0, 86400.0),
    "WORKERS": _number(int, 0, 256),
    "QUEUE": _number(int, 1, 10_000),
    "MAX_BODY_BYTES": _number(int, 1, 1024 * MIB),
    "MAX_BUFFERED_BYTES": _number(int, 1, 16 * 1024 * MIB),
    "MAX_PIXELS": _number(int, 1, MAX_PIXELS),
    "MAX_BATCH": _number(int, 1, 1024),
    "TIMEOUT": _number(float, 0.1, 600.0),
    "DRAIN": _number(float, 0.0, 600.0),
    "PAGE": _FLAG,
    "ACCESS_LOG": _FLAG,
    "CORS_ORIGINS": _ORIGINS,
}
if set(_READERS) != {field.name.upper() for field in fields(Settings)}:
    raise TypeError("every setting needs its reader")
