"""The public keys of an issuer: fetched, kept, renewed when they rotate, used on while the issuer is away.

Belongs to one event loop: the keys change only between two of its turns, and however many requests ask for a fetch at
once, there is one. The fetch itself waits in a thread.
"""

import asyncio
import logging
import time
from collections.abc import Callable

import urllib3
from jwt import PyJWK, PyJWKSet
from jwt.exceptions import PyJWTError

from components.step.errors import ServiceError, one_line
from components.step.strict_json import read_json

# Public-key signatures alone: `none` signs nothing, HS256 would take a public key for a shared secret (RFC 8725, 2.1).
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
FRESH_SECONDS = 300.0  # Older keys are fetched anew: so long a withdrawn key lives.
USABLE_SECONDS = 86_400.0  # How long the issuer may be away; its tokens expire long before.
PAUSE_SECONDS = 10.0  # Between two fetches, so that tokens with invented key ids cost the issuer nothing.
FETCH_SECONDS = 3.0
MAX_BYTES = 1 << 20

_log = logging.getLogger(__name__)


class KeysUnavailable(Exception):
    """No keys young enough to trust are at hand, and the issuer gives none."""


class SigningKeys:
    """The keys at `uri`, a JSON Web Key Set (RFC 7517); `clock` gives seconds, as time.monotonic."""

    def __init__(self, uri: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._uri = uri
        self._clock = clock
        self._keys: list[PyJWK] = []
        self._fetched_at = self._tried_at = -float("inf")
        self._fetching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Fetch the keys for the first time.

        Raises:
            ServiceError: the issuer cannot be reached, or answers no usable keys.
        """
        self._tried_at = self._clock()
        self._take(await asyncio.to_thread(fetch_keys, self._uri))

    async def stop(self) -> None:
        """End a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    async def find(self, key_id: str | None) -> PyJWK | None:
        """Return the key named `key_id`, or without a name the only key; None if the issuer has no such key.

        Old keys are renewed behind the answer; only an unknown name, as after a rotation, waits for a fetch.

        Raises:
            KeysUnavailable: the issuer has been away for too long.
        """
        age = self._clock() - self._fetched_at
        if age > USABLE_SECONDS:
            await self._fetched_again()
        elif age > FRESH_SECONDS:
            self._fetch_again()
        return self._known(key_id) or await self._rotated(key_id)

    async def _rotated(self, key_id: str | None) -> PyJWK | None:
        await self._fetched_again()
        return self._known(key_id)

    def _known(self, key_id: str | None) -> PyJWK | None:
        if self._clock() - self._fetched_at > USABLE_SECONDS:
            raise KeysUnavailable
        found = [key for key in self._keys if key_id is None or key.key_id == key_id]
        return found[0] if len(found) == 1 else None

    async def _fetched_again(self) -> None:
        fetching = self._fetch_again()
        if fetching is not None:  # A request that is cancelled must not take the others' fetch with it.
            await asyncio.shield(fetching)

    def _fetch_again(self) -> asyncio.Task[None] | None:
        if self._fetching is None and self._clock() - self._tried_at >= PAUSE_SECONDS:
            self._tried_at = self._clock()
            self._fetching = asyncio.create_task(self._fetch())
        return self._fetching

    async def _fetch(self) -> None:
        try:
            self._take(await asyncio.to_thread(fetch_keys, self._uri))
        except ServiceError as error:  # The keys we have stay in use.
            _log.warning("%s", error)
        finally:
            self._fetching = None

    def _take(self, keys: list[PyJWK]) -> None:
        self._keys, self._fetched_at = keys, self._clock()


def fetch_keys(uri: str) -> list[PyJWK]:
    """Return the keys for verifying signatures in the JSON Web Key Set at `uri`; others in the set are passed over.

    Raises:
        ServiceError: no answer in time, no key set, or none of its keys is usable.
    """
    try:
        keys = PyJWKSet.from_dict(read_json(_read(uri))).keys
    except (urllib3.exceptions.HTTPError, PyJWTError, ValueError, AttributeError, RecursionError) as error:
        raise _unusable(uri, error) from error
    usable = [key for key in keys if key.algorithm_name in ALGORITHMS and key.public_key_use in (None, "sig")]
    if not usable:
        raise _unusable(uri, "no key that verifies signatures")
    return usable


def _read(uri: str) -> bytes:
    # A pool of its own: a fetch is rare, and a connection kept over minutes is one that broke meanwhile.
    with urllib3.PoolManager(timeout=FETCH_SECONDS, retries=False) as pool:
        answer = pool.request("GET", uri, redirect=False, preload_content=False, headers={"Accept": "application/json"})
        body = answer.read(MAX_BYTES + 1)
        answer.close()
    if answer.status != 200 or len(body) > MAX_BYTES:
        raise ValueError(f"status {answer.status}, {len(body)} bytes")
    return body


def _unusable(uri: str, what: object) -> ServiceError:
    return ServiceError(
        "The issuer's signing keys must be a JSON Web Key Set that can be fetched. "
        f"Received: {one_line(uri)}: {one_line(what)}. Check PAWLINE_SERVE_OAUTH2_JWKS_URI and the issuer."
    )
