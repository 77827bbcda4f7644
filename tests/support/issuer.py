"""An OAuth2 issuer on loopback: it publishes keys, signs tokens, rotates, goes away and comes back."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

NAME, AUDIENCE = "https://login.example.org/realms/pets", "pawline"


@lru_cache
def private_key(name: str) -> Any:
    """Return the private key called `name`, whose beginning says its kind."""
    if name.startswith("ec"):
        return ec.generate_private_key(ec.SECP256R1())
    if name.startswith("ed"):
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, 1024 if name.startswith("short") else 2048)


def public_jwk(name: str, **more: str) -> dict[str, str]:
    """Return the public half of `private_key(name)` as a member of a JSON Web Key Set."""
    kind = {"ec": ECAlgorithm, "ed": OKPAlgorithm}.get(name[:2], RSAAlgorithm)
    return json.loads(kind.to_jwk(private_key(name).public_key())) | {"kid": name} | more


def token(key: str = "first", algorithm: str = "RS256", headers: dict[str, Any] | None = None, **claims: Any) -> str:
    """Return a token signed by the key named `key`, good unless `claims` or `headers` differ; None removes."""
    good = {"iss": NAME, "aud": AUDIENCE, "exp": time.time() + 60, "sub": "client", "scope": "predict"}
    payload = {name: value for name, value in (good | claims).items() if value is not None}
    head = {name: value for name, value in ({"kid": key} | (headers or {})).items() if value is not None}
    return jwt.encode(payload, private_key(key), algorithm, headers=head)


class Issuer:
    """What the server answers: `document` with `status`, after `delay` seconds; `asked` counts the requests."""

    def __init__(self) -> None:
        self.uri = ""
        self.status = 200
        self.delay = 0.0
        self.asked = 0
        self.document: Any = {"keys": [public_jwk("first")]}

    def publish(self, *keys: dict[str, str]) -> None:
        """Publish these keys and no others."""
        self.document = {"keys": list(keys)}

    def environment(self, **more: str) -> dict[str, str]:
        """Return the settings that make a server trust this issuer."""
        values = {"ISSUER": NAME, "AUDIENCE": AUDIENCE, "JWKS_URI": self.uri} | more
        return {f"PAWLINE_SERVE_OAUTH2_{name}": value for name, value in values.items()}


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """Run an issuer."""
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked += 1
            time.sleep(issuer.delay)
            body = issuer.document if isinstance(issuer.document, bytes) else json.dumps(issuer.document).encode()
            self.send_response(issuer.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    issuer.uri = f"http://127.0.0.1:{server.server_port}/keys"
    yield issuer
    server.shutdown()
    server.server_close()
    thread.join()
