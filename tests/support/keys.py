"""Key pairs of elliptic curves in files, as `openssl` makes them."""

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True)
class KeyPair:
    """The files of a private key and its public one."""

    private: Path
    public: Path


def make_keys(folder: Path, name: str = "key", password: bytes = b"", curve: ec.EllipticCurve | None = None) -> KeyPair:
    """Write a new pair to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(curve or ec.SECP256R1())
    packed = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    pair = KeyPair(folder / f"{name}.pem", folder / f"{name}.pub")
    pair.private.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, packed))
    pair.public.write_bytes(key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    return pair
