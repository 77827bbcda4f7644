"""What a server answers to a plain question over HTTP, without repeating and without following redirections."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from components.step.errors import ServiceError, one_line
from components.step.strict_json import read_json

CONNECT_SECONDS, READ_SECONDS = 5, 15
MOST_BYTES = 1 << 20
# What servers say in plain HTTP where TLS is spoken.
WANTS_TLS = (
    "HTTP request to an HTTPS server",
    "plain HTTP request was sent to HTTPS",
    "reason: You're speaking plain HTTP",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; names of `headers` are lower-case."""

    status: int
    headers: Mapping[str, str]
    data: bytes

    def json(self) -> Any:
        """Return the JSON that it is; None where it is none."""
        try:
            return read_json(self.data)
        except ValueError:
            return None

    @property
    def is_page(self) -> bool:
        """Whether it is for people: HTML, as of a proxy, a login or a console."""
        return "html" in self.headers.get("content-type", "") or self.data.lstrip()[:9].lower() in (
            b"<!doctype",
            b"<html>",
        )

    @property
    def wants_tls(self) -> bool:
        """Whether it says that TLS is spoken there."""
        return self.status == 400 and any(text in self.data.decode(errors="replace") for text in WANTS_TLS)


def answer_of(
    url: str,
    headers: Mapping[str, str] | None = None,
    ca_bundle: Path | None = None,
    method: str = "GET",
    body: bytes | None = None,
) -> Answer:
    """Return what the server at `url` answers.

    Raises:
        ServiceError: nothing, or no HTTP; the message is what was received alone.
    """
    from urllib3.exceptions import HTTPError

    try:
        with _pool(url, ca_bundle) as pool:
            asked: dict[str, Any] = {"preload_content": False, "redirect": False, "retries": False}
            response = pool.request(method, url, headers=dict(headers or {}), body=body, **asked)
            given = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, given, response.read(MOST_BYTES))
    except (HTTPError, OSError) as error:
        raise ServiceError(one_line(getattr(error, "reason", None) or error, 200)) from error


def _pool(url: str, ca_bundle: Path | None) -> Any:
    from urllib3 import PoolManager, ProxyManager, Timeout

    timeout = Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
    options: dict[str, Any] = {"timeout": timeout, "ca_certs": str(ca_bundle) if ca_bundle else _usual()}
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme)
    if proxy and not proxy_bypass(parts.hostname or ""):
        return ProxyManager(proxy, **options)
    return PoolManager(**options)


def _usual() -> str:
    import certifi

    return certifi.where()
