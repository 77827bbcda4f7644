"""What a signature by a key says: a Sigstore bundle around a DSSE envelope around an in-toto statement of digests.

Read here, with `cryptography` alone, as the library that signs would add 19 MB to each image that only verifies.
Source: the specifications of DSSE 1.0 (protocol.md), in-toto Statement v1, and OpenSSF Model Signing 1.0.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from components.step.strict_json import read_json

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://model_signing/signature/v1.0"


class Foreign(ValueError):
    """A signature by another key, or one that was changed."""


def signed_digests(signature: bytes, key: "EllipticCurvePublicKey") -> dict[str, str]:
    """Return the sha256 by name of the files that `signature` is of, which `key` has signed.

    Raises:
        Foreign: another key has.
        ValueError, KeyError, TypeError: it is no such signature.
    """
    bundle = read_json(signature)
    _expect(bundle["mediaType"], BUNDLE_TYPE)
    envelope = bundle["dsseEnvelope"]
    payload = base64.b64decode(envelope["payload"], validate=True)
    [signed] = envelope["signatures"]
    _check(payload, base64.b64decode(signed["sig"], validate=True), key)
    return digests_in(envelope["payloadType"], payload)


def _check(payload: bytes, signature: bytes, key: "EllipticCurvePublicKey") -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA

    by_size = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}
    signed = b" ".join([f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(payload)}".encode(), payload])
    try:
        key.verify(signature, signed, ECDSA(by_size[key.curve.key_size]))
    except InvalidSignature as error:
        raise Foreign from error


def digests_in(kind: str, payload: bytes) -> dict[str, str]:
    """Return the sha256 by name of the files that `payload` is of, a statement of the type `kind`, whoever signed it.

    Raises:
        ValueError, KeyError, TypeError: it is no such statement, or not of whole files by sha256.
    """
    _expect(kind, PAYLOAD_TYPE)
    statement: Mapping[str, Any] = read_json(payload)
    _expect(statement["_type"], STATEMENT_TYPE)
    _expect(statement["predicateType"], PREDICATE_TYPE)
    predicate = statement["predicate"]
    _expect(predicate["serialization"]["method"], "files")
    resources = predicate["resources"]
    for resource in resources:
        _expect(resource["algorithm"], "sha256")
    found = {str(resource["name"]): bytes.fromhex(resource["digest"]) for resource in resources}
    if len(found) < len(resources):
        raise ValueError("a file is named twice")
    [subject] = statement["subject"]
    _expect(subject["digest"]["sha256"], hashlib.sha256(b"".join(found.values())).hexdigest())
    return {name: digest.hex() for name, digest in found.items()}


def _expect(found: object, expected: str) -> None:
    if found != expected:
        raise ValueError(f"{str(found)[:80]!r} where {expected!r} must be")
