"""A server behind TLS whose certificate a private authority has signed, before any server on this machine."""

import asyncio
import contextlib
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.patience import PATIENCE


@dataclass(frozen=True)
class TlsFront:
    """`url` is where it listens, `authority` the file with the certificate that vouches for it."""

    url: str
    authority: Path


@contextmanager
def tls_front(port: int, folder: Path) -> Iterator[TlsFront]:
    """Yield what listens with TLS before 127.0.0.1:`port`; keys and certificates are in `folder`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_signed(folder))
    loop, ready = asyncio.new_event_loop(), threading.Event()
    found: list[int] = []

    async def serve() -> None:
        server = await asyncio.start_server(lambda *ends: _join(port, *ends), "127.0.0.1", 0, ssl=context)
        found.append(server.sockets[0].getsockname()[1])
        ready.set()
        await server.serve_forever()

    def run() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(serving)

    serving = loop.create_task(serve())
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(PATIENCE)
    yield TlsFront(f"https://127.0.0.1:{found[0]}", folder / "authority.pem")
    loop.call_soon_threadsafe(serving.cancel)
    thread.join(PATIENCE)


async def _join(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy what comes from one end to the other until either closes."""
    from_server, to_server = await asyncio.open_connection("127.0.0.1", port)
    copies = [asyncio.create_task(_copy(*ends)) for ends in ((reader, to_server), (from_server, writer))]
    await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
    for end in (to_server, writer):
        end.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()


def _signed(folder: Path) -> Path:
    """Write an authority's certificate, and a file with key and certificate of 127.0.0.1 that it has signed."""
    authority, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer, subject = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("authority", "server"))
    root = _certificate(issuer, issuer, authority.public_key()).add_extension(x509.BasicConstraints(True, 0), True)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    leaf = _certificate(subject, issuer, own.public_key()).add_extension(address, False)
    pem = serialization.Encoding.PEM
    (folder / "authority.pem").write_bytes(root.sign(authority, hashes.SHA256()).public_bytes(pem))
    form, secrecy = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    chain = own.private_bytes(pem, form, secrecy) + leaf.sign(authority, hashes.SHA256()).public_bytes(pem)
    (folder / "server.pem").write_bytes(chain)
    return folder / "server.pem"


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    named = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    lasting = named.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    return lasting.serial_number(x509.random_serial_number())
