"""Keyless signatures, by Sigstore: whose identity an OpenID Connect server vouches for. The library does all of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from components.signing.statement import Foreign, digests_in
from components.step.errors import ServiceError, UsageError, one_line

if TYPE_CHECKING:
    from components.signing.trust import Trust


def keyless_digests(signature: bytes, trust: "Trust") -> dict[str, str]:
    """Return the sha256 by name of the files that `signature` is of, which the identity that `trust` names has signed.

    Raises:
        Foreign: another identity has, or it was changed.
        UsageError: the library is not installed, as in the images that only verify.
        ServiceError: Sigstore does not answer.
    """
    check_library()
    from sigstore.models import Bundle, ClientTrustConfig
    from sigstore.verify import Verifier, policy

    with sigstore_answering():
        config = ClientTrustConfig.from_json(trust.sigstore.read_text()) if trust.sigstore else None
        verifier = Verifier(trusted_root=(config or ClientTrustConfig.production()).trusted_root)
    whose = policy.Identity(identity=trust.identity, issuer=trust.issuer)
    bundle = Bundle.from_json(signature)
    try:
        kind, payload = verifier.verify_dsse(bundle=bundle, policy=whose)
    except Exception as error:  # sigstore raises a VerificationError, and cryptography's own.
        raise Foreign(str(error)) from error
    return digests_in(kind, payload)


@contextmanager
def sigstore_answering() -> Iterator[None]:
    """Turn whatever goes wrong with Sigstore into one line.

    Raises:
        ServiceError: something went wrong.
    """
    try:
        yield
    except Exception as error:  # It has no closed list: TUF, HTTP, OpenID Connect, files.
        said = one_line(f"{type(error).__name__}: {error}".rstrip(". "), 200)
        raise ServiceError(
            f"Sigstore must answer for keyless signatures. Received: {said}. "
            "Name its trust (--sigstore FILE), or sign by a key."
        ) from error


def check_library() -> None:
    """Check that what signs, and verifies keyless signatures, is installed: the images that only verify go without.

    Raises:
        UsageError: it is not.
    """
    if missing := [name for name in ("model_signing", "sigstore", "OpenSSL") if find_spec(name) is None]:
        raise UsageError(
            f"Signing, and keyless trust, need packages that are not installed. Received: no {', '.join(missing)}. "
            "Install them: pip install 'pawline[sign]', or trust a key (PAWLINE_TRUSTED_KEY)."
        )
