"""Who may ask for predictions: OAuth2 bearer tokens, on as soon as one of its settings is there, and then in full.

Tokens are JWTs (RFC 7519) of one issuer for one audience, as RFC 9068 and RFC 8725 want them checked. There is no
setting that means "off": a setting that is missing, empty or misspelt ends the start.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import jwt
from jwt.exceptions import PyJWTError

from components.serve.auth.signing_keys import ALGORITHMS, KeysUnavailable, SigningKeys
from components.serve.http.errors import Refusal
from components.serve.service_links import without_service_links
from components.serve.settings import OAUTH2_SETTINGS
from components.step.errors import UsageError, one_line
from components.step.nearest import did_you_mean

PREFIX = "PAWLINE_SERVE_OAUTH2_"
NEEDED = ("ISSUER", "AUDIENCE", "JWKS_URI")
LEEWAY_SECONDS = 30  # Clocks of two machines differ.
MAX_TOKEN = 8192
TOKEN_TYPES = ("jwt", "at+jwt", "application/at+jwt")  # Not, say, an issuer's logout token.
# RFC 6750, 2.1: the characters of a token. Quotes and line ends stay out of our answer's header.
_SCOPE_CHARACTERS = {chr(c) for c in range(0x21, 0x7F)} - {'"', "\\"}


class Authorization(Protocol):
    """Decides on requests by their Authorization header."""

    async def start(self) -> None:
        """Get ready; called before listening. A PawlineError ends the start."""

    async def check(self, authorization_header: str | None) -> Refusal | None:
        """Return why the request is refused, None if it may pass."""

    async def stop(self) -> None:
        """Let go of everything."""


@dataclass(frozen=True, slots=True)
class BearerSettings:
    """Whose tokens are accepted, for whom they must be meant, where the keys are, which scopes a token must have."""

    issuer: str
    audience: str
    jwks_uri: str
    scopes: frozenset[str] = frozenset()


def authorization_from(environment: Mapping[str, str]) -> Authorization | None:
    """Return what checks requests, None where no setting asks for it.

    Raises:
        UsageError: only some of the settings, an empty or unknown one, or a URI that is not https.
    """
    settings = settings_from(environment)
    return None if settings is None else BearerAuthorization(settings, SigningKeys(settings.jwks_uri))


def settings_from(environment: Mapping[str, str]) -> BearerSettings | None:
    """Return the settings named PAWLINE_SERVE_OAUTH2_*, None where there is none.

    Raises:
        UsageError: as `authorization_from`.
    """
    ours = without_service_links(environment, PREFIX.rstrip("_"))
    given = {name.removeprefix(PREFIX): value.strip() for name, value in ours.items() if name.startswith(PREFIX)}
    if not given:
        return None
    _check_names(given)
    for name in ("ISSUER", "JWKS_URI"):
        _check_uri(name, given[name])
    scopes = frozenset(given.get("SCOPES", "").split())
    if not all(set(scope) <= _SCOPE_CHARACTERS for scope in scopes):
        raise _refused("scopes are printable and separated by spaces", f"SCOPES={given['SCOPES']}")
    return BearerSettings(given["ISSUER"], given["AUDIENCE"], given["JWKS_URI"], scopes)


def _check_names(given: Mapping[str, str]) -> None:
    if unknown := sorted(set(given) - set(OAUTH2_SETTINGS)):
        hint = did_you_mean(unknown[0], OAUTH2_SETTINGS)
        raise _refused(f"the settings are {', '.join(OAUTH2_SETTINGS)}", ", ".join(unknown), hint)
    if empty := sorted(name for name, value in given.items() if not value):
        raise _refused("no setting may be empty", ", ".join(empty))
    if missing := [name for name in NEEDED if name not in given]:
        raise _refused(f"{', '.join(NEEDED)} belong together", f"none for {', '.join(missing)}")


def _check_uri(name: str, uri: str) -> None:
    if not _is_safe(uri):
        raise _refused("an issuer and its keys have https:// addresses without a user", f"{name}={uri}")


def _is_safe(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    # On this very machine nobody can listen in: a proxy in the same pod.
    local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
    return (parts.scheme == "https" or local) and bool(parts.hostname) and parts.username is None


def _refused(rule: str, received: str, hint: str = "") -> UsageError:
    return UsageError(
        f"Of {PREFIX}*, {rule}. Received: {one_line(received)}. {hint}Set them all, or none to serve without tokens."
    )


class BearerAuthorization:
    """Checks bearer tokens by `settings` with the issuer's `keys`."""

    def __init__(self, settings: BearerSettings, keys: SigningKeys) -> None:
        self._settings = settings
        self._keys = keys

    async def start(self) -> None:
        """Fetch the issuer's keys, so that a wrong address shows at once.

        Raises:
            ServiceError: they cannot be had.
        """
        await self._keys.start()

    async def stop(self) -> None:
        """End a fetch that is under way."""
        await self._keys.stop()

    async def check(self, authorization_header: str | None) -> Refusal | None:
        """Return why a request with this Authorization header is refused (RFC 6750, 3.1), None if it may pass."""
        scheme, _, token = (authorization_header or "").strip().partition(" ")
        if scheme.lower() != "bearer":
            return _refusal(401, "unauthorized", "A bearer token is needed. Send Authorization: Bearer <token>.")
        token = token.strip()
        if not token or " " in token or len(token) > MAX_TOKEN or not token.isascii():
            rule = f"The Authorization header must hold one token of at most {MAX_TOKEN} characters."
            return _refusal(400, "invalid_request", rule, 'error="invalid_request"')
        try:
            claims = await self._verified(token)
        except KeysUnavailable:
            message = "The token cannot be checked: its issuer has not answered for too long. Try again later."
            return Refusal(503, "authorization_unavailable", message, {"Retry-After": "10"})
        except (PyJWTError, OverflowError):  # The latter of infinite times. Which check failed helps only who forges.
            message = "The token is not valid here: forged, expired, or meant for another service. Get a new one."
            return _refusal(401, "unauthorized", message, 'error="invalid_token"')
        return self._scopes_missing(claims)

    async def _verified(self, token: str) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        key_id = header.get("kid")
        known = header.get("alg") in ALGORITHMS and str(header.get("typ", "jwt")).lower() in TOKEN_TYPES
        key = await self._keys.find(key_id) if known else None
        if key is None:
            raise jwt.InvalidTokenError
        return jwt.decode(
            token,
            key,
            algorithms=ALGORITHMS,
            audience=self._settings.audience,
            issuer=self._settings.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud"], "enforce_minimum_key_length": True},
        )

    def _scopes_missing(self, claims: Mapping[str, Any]) -> Refusal | None:
        needed = self._settings.scopes
        if needed <= granted_scopes(claims):
            return None
        named = " ".join(sorted(needed))
        message = f"The token must have the scopes {named}. Ask its issuer for them."
        return _refusal(403, "forbidden", message, f'error="insufficient_scope", scope="{named}"')


def granted_scopes(claims: Mapping[str, Any]) -> set[str]:
    """Return a token's scopes: the text `scope` of RFC 8693, or `scp`, text or list, as Entra and Okta write it."""
    found: set[str] = set()
    for name in ("scope", "scp"):
        value = claims.get(name, "")
        listed = value.split() if isinstance(value, str) else value
        if isinstance(listed, list):
            found.update(scope for scope in listed if isinstance(scope, str))
    return found


def _refusal(status: int, code: str, message: str, error: str = "") -> Refusal:
    challenge = 'Bearer realm="pawline"' + (f", {error}" if error else "")
    return Refusal(status, code, message, {"WWW-Authenticate": challenge})
