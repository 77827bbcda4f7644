"""Keys in files: elliptic curves in PEM, as Model Signing takes them. No message ever shows what is in one."""

from pathlib import Path
from typing import TYPE_CHECKING

from components.step.errors import UsageError, one_line
from components.step.regular_files import read_regular

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey

CURVES = ("secp256r1", "secp384r1", "secp521r1")
_PEM = "-----"
_KINDS = "an elliptic curve's (P-256, P-384 or P-521), in PEM"


def key_file(where: str, value: str) -> Path:
    """Return the file that `value`, given by `where`, names.

    Raises:
        UsageError: it is empty, or the key itself, which is not repeated.
    """
    if not value.strip():
        raise UsageError(f"{where} must name a file. Received: {where}= (empty). Name one, or remove it.")
    if _PEM in value or "\n" in value:
        raise UsageError(
            f"{where} must name a file with a key. Received: a key itself. Write it to a file, and take another one."
        )
    return Path(value)


def private_key(path: Path, password: bytes | None) -> "EllipticCurvePrivateKey":
    """Return the private key in the file at `path`.

    Raises:
        UsageError: there is none, or `password` is not its.
    """
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(_content(path), password)
    except (ValueError, TypeError) as error:
        said = "its password is another, or missing" if "assword" in str(error) else "no private key"
        raise _refusal("private", path, said) from None
    if not isinstance(key, EllipticCurvePrivateKey) or key.curve.name not in CURVES:
        raise _refusal("private", path, "another kind of key")
    return key


def public_key(path: Path) -> "EllipticCurvePublicKey":
    """Return the public key in the file at `path`.

    Raises:
        UsageError: there is none.
    """
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(_content(path))
    except (ValueError, TypeError):
        raise _refusal("public", path, "no public key") from None
    if not isinstance(key, EllipticCurvePublicKey) or key.curve.name not in CURVES:
        raise _refusal("public", path, "another kind of key")
    return key


def _content(path: Path) -> bytes:
    try:
        return read_regular(path)
    except OSError as error:
        said = one_line(error.strerror or error)
        raise UsageError(f"A key must be in a file. Received: {one_line(path)}: {said}. Name it.") from error


def _refusal(kind: str, path: Path, what: str) -> UsageError:
    return UsageError(f"A {kind} key must be {_KINDS}. Received: {one_line(path)}: {what}. Name another one.")
