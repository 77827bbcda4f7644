"""The secret values of this process's environment: cleaned when read, and cut out of whatever it says, whoever says it.

Other libraries quote in their refusals what they were given, as it was or encoded.
"""

import base64
import functools
import html
import json
import os
import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, TextIO
from urllib.parse import quote, quote_plus, unquote

SHORTEST = 5  # Shorter ones stand in too many words; they are hidden only behind what names them.
CUT = "[secret]"
_NAME = re.compile(r"(?i)secret|passw|token|credential|private|api_?key|access_?key(?!_id)")
# Whose names sound secret and whose values are none.
_HARMLESS = re.compile(r"(?i)(_FILE|_PATH|_URL|_URI|_CONFIG|PARALLELISM)$")
_PERCENT = re.compile("%[0-9A-F]{2}")
# Also one that holds the "/" that should have been quoted.
_PASSWORD = re.compile(r"://([^/?#@:\s]*):([^@\s]*)@")


def strip_secrets(environment: MutableMapping[str, str]) -> None:
    """Cut blanks and line ends around the secrets in `environment`: `echo` leaves them, and no header takes them."""
    for name, value in list(environment.items()):
        if _sounds_secret(name) and value != value.strip():
            environment[name] = value.strip()


def secret_values(environment: Mapping[str, str]) -> frozenset[str]:
    """Return the secrets in `environment`: values of variables that sound secret, passwords in addresses."""
    values = [value.strip() for name, value in environment.items() if _sounds_secret(name)]
    named = {line.strip() for value in values for line in (value, *value.splitlines())}
    in_addresses = _passwords(environment)
    both = named | in_addresses | {unquote(password) for password in in_addresses}
    return frozenset(value for value in both if len(value) >= SHORTEST)


def _passwords(environment: Mapping[str, str]) -> set[str]:
    return {found[2] for value in environment.values() for found in _PASSWORD.finditer(value)}


def without_secret_values(text: str, environment: Mapping[str, str] | None = None) -> str:
    """Return `text` with the secrets of `environment`, this process's if None, cut out in every form they take."""
    pattern = _pattern_of(os.environ if environment is None else environment)
    return pattern.sub(CUT, text) if pattern else text


@contextmanager
def no_secrets_said() -> Iterator[None]:
    """Clean the environment's secrets, and cut them out of standard output, standard error and tracebacks meanwhile."""
    strip_secrets(os.environ)
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Guarded(sys.stdout), _Guarded(sys.stderr)
    sys.excepthook = _say_traceback  # It stays: a traceback is printed after this block.
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class _Guarded:
    """A text stream that leaves secrets out of what is written."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._pattern = stream, _pattern_of(os.environ)

    def write(self, text: str) -> int:
        self._stream.write(self._pattern.sub(CUT, text) if self._pattern else text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        self.write("".join(lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _say_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    sys.stderr.write(without_secret_values("".join(traceback.format_exception(kind, error, trace))))


def _sounds_secret(name: str) -> bool:
    return bool(_NAME.search(name)) and not _HARMLESS.search(name)


def _users(environment: Mapping[str, str]) -> Iterator[str]:
    yield from (value.strip() for name, value in environment.items() if name.upper().endswith(("USERNAME", "USER")))
    yield from (found[1] for value in environment.values() for found in _PASSWORD.finditer(value))


def _pattern_of(environment: Mapping[str, str]) -> re.Pattern[str] | None:
    return _pattern(
        secret_values(environment), frozenset(_users(environment)), frozenset(_short_secrets_named(environment))
    )


def _short_secrets_named(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield the texts in which a secret of fewer than SHORTEST characters stands behind its name or a user's."""
    named = ((name, value.strip()) for name, value in environment.items() if _sounds_secret(name))
    for name, value in named:
        if 0 < len(value) < SHORTEST:
            yield from (f"{name}={value}", f"{name}: {value}", f"{name}={value!r}", f"Bearer {value}")
            yield from (f"'{name}': {value!r}", f'"{name}": {json.dumps(value)}')
            yield from (f"{user}:{value}" for user in _users(environment) if user)
            yield from _of_users(value, _users(environment))
    yield from (f":{value}@" for value in _passwords(environment) if 0 < len(value) < SHORTEST)


@functools.lru_cache(maxsize=8)
def _pattern(secrets: frozenset[str], users: frozenset[str], others: frozenset[str]) -> re.Pattern[str] | None:
    forms = others | {form for secret in secrets for form in _forms(secret, users)}
    longest_first = sorted(forms, key=len, reverse=True)
    return re.compile("|".join(re.escape(form) for form in longest_first)) if forms else None


def _forms(secret: str, users: Iterable[str]) -> Iterator[str]:
    # Twice, as an answer in JSON may stand in a page, or in JSON again.
    yield from {twice for once in _escaped(secret) for twice in _escaped(once)}
    yield from _of_users(secret, users)
    yield from _in_base64(secret)


def _escaped(text: str) -> Iterator[str]:
    encoded = _bytes_of(text)
    yield from (text, repr(text)[1:-1], ascii(text)[1:-1], text.replace('"', '\\"'))
    yield from (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    yield from (repr(encoded)[2:-1], encoded.decode("latin-1"))  # As headers are shown.
    yield from (html.escape(text), html.escape(text, quote=False), _as_jinja_escapes(text))
    for quoted in (quote(encoded), quote(encoded, safe=""), quote_plus(encoded)):
        yield from (quoted, _PERCENT.sub(lambda found: found[0].lower(), quoted))


def _as_jinja_escapes(text: str) -> str:
    return html.escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")


def _bytes_of(text: str) -> bytes:
    """Return `text` as the environment has it, which may be no UTF-8."""
    return text.encode("utf-8", "surrogateescape")


def _of_users(secret: str, users: Iterable[str]) -> Iterator[str]:
    for user in users:  # As Basic authorization has them.
        yield from _in_base64(f"{user}:{secret}")


def _in_base64(text: str) -> Iterator[str]:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(_bytes_of(text)).decode().rstrip("=")
