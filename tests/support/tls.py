"""A certificate authority of a test's own, and what servers show that have its certificates."""

import datetime
import ssl
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """A CA that nobody trusts but who has its `certificate`."""

    key: Any
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        """Its certificate, as it stands in a bundle."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def context(self, folder: Path, host: str = "127.0.0.1", ends: datetime.timedelta = DAY) -> ssl.SSLContext:
        """Return what a server for `host` shows, whose certificate ends in a while, or ended before now."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _signed(self.key, self.certificate.subject, "server", key, _names(host), ends)
        file = folder / f"{host}.pem"
        secret = key.private_bytes(*PEM_OF_KEYS, serialization.NoEncryption())
        file.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


PEM_OF_KEYS = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)


@cache
def authority() -> Authority:
    """Return the authority, made once."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a company's CA")])
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    return Authority(key, _signed(key, subject, "a company's CA", key, constraints, 30 * DAY))


def _names(host: str) -> x509.SubjectAlternativeName:
    name = x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
    return x509.SubjectAlternativeName([name])


def _signed(key: Any, issuer: x509.Name, name: str, of: Any, extension: Any, ends: datetime.timedelta) -> Any:
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(of.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - 10 * DAY).not_valid_after(now + ends)
    # Whoever is strict wants these.
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(of.public_key()), critical=False)
    authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    builder = builder.add_extension(authority_key, critical=False)
    return builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints)).sign(
        key, hashes.SHA256()
    )
