"""Whom one trusts: the environment says it, for the server, promote and whatever else takes a bundle into use."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from components.signing.key_files import key_file, public_key
from components.signing.keyless import check_library
from components.step.errors import UsageError, one_line
from components.step.nearest import did_you_mean

PREFIX = "PAWLINE_TRUSTED_"
NAMES = ("KEY", "IDENTITY", "ISSUER", "SIGSTORE")


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose signatures are taken: those of `key`, a public key's file, or keyless ones of an identity.

    `identity`, as an address or a workflow's, is one that the OpenID Connect server `issuer` vouches for; `sigstore` is
    the file with the trust of a private Sigstore, the public one's if None.
    """

    key: Path | None = None
    identity: str = ""
    issuer: str = ""
    sigstore: Path | None = None


def trust_from(environment: Mapping[str, str]) -> Trust | None:
    """Return whom `environment` says to trust, None where it says nothing: then anything is taken, signed or not.

    Raises:
        UsageError: it says half of it, or what is no key; a misspelt name must not mean that anything is taken.
    """
    given = {name.removeprefix(PREFIX): value for name, value in environment.items() if name.startswith(PREFIX)}
    if unknown := sorted(given.keys() - set(NAMES)):
        raise UsageError(
            f"A setting that begins with {PREFIX} must be one of {', '.join(NAMES)}. "
            f"Received: {one_line(PREFIX + unknown[0], 120)}. {did_you_mean(unknown[0], NAMES)}Correct or remove it."
        )
    if not given:
        return None
    files = {name: key_file(PREFIX + name, given[name]) for name in ("KEY", "SIGSTORE") if name in given}
    return checked_trust(
        Trust(files.get("KEY"), given.get("IDENTITY", ""), given.get("ISSUER", ""), files.get("SIGSTORE"))
    )


def checked_trust(trust: Trust) -> Trust:
    """Return `trust`, which is whole: a key that is one, or an identity and who vouches for it.

    Raises:
        UsageError: it is not.
    """
    keyless = (bool(trust.identity), bool(trust.issuer))
    if trust.key and not any(keyless) and not trust.sigstore:
        public_key(trust.key)
    elif trust.key or keyless != (True, True):
        raise UsageError(
            "Trust must be in a public key, or in an identity and its issuer. "
            f"Received: {'a key' if trust.key else 'no key'}, identity={one_line(repr(trust.identity), 120)}, "
            f"issuer={one_line(repr(trust.issuer), 120)}. Name one or the other."
        )
    else:
        check_library()
    return trust
