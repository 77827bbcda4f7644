"""Where the key for runs is put: a Kubernetes secret, of which the rest stays, or a file for one who has no cluster."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from components.step.errors import ServiceError, UsageError, one_line
from components.step.regular_files import open_regular_text
from pipeline.cluster.secrets import KubernetesSecret
from pipeline.store_setup.s3_server import AWS, Keys, S3Server

ACCESS, SECRET, REGION = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"
ENDPOINT = {"secret": "AWS_S3_ENDPOINT", "file": "AWS_ENDPOINT_URL_S3"}
LOOPBACK = ("localhost", "127.0.0.1", "::1")
LARGEST_FILE = 1 << 16


class KeyPlace(Protocol):
    """A place for a key."""

    @property
    def name(self) -> str:
        """Return what is said of it."""

    def held(self) -> Keys | None:
        """Return the key that is in it, None for none; raises PawlineError where that cannot be read."""

    def check(self) -> None:
        """Find out whether a key may be put there; raises PawlineError where it may not."""

    def hold(self, keys: Keys) -> None:
        """Put `keys` there, completely or not at all; raises PawlineError."""


class SecretPlace:
    """The keys of a secret that the pipeline's steps read, beside whatever else is in it."""

    def __init__(self, secret: KubernetesSecret, server: S3Server, address: str) -> None:
        """Stand for `secret`; `address` is where runs reach `server`, "" for what the secret or `server` says.

        Raises:
            ServiceError: the secret cannot be read.
        """
        self._secret, self._server, self._address = secret, server, address
        self._values = secret.read()

    @property
    def name(self) -> str:
        """Return what is said of it."""
        return f"secret {self._secret.name} in namespace {one_line(self._secret.namespace, 63)}"

    def held(self) -> Keys | None:
        """Return the key in the secret."""
        return _keys(self._values or {})

    def check(self) -> None:
        """Let the cluster say whether it would take a key.

        Raises:
            UsageError: runs could not reach the store's address.
            ServiceError: the cluster would not.
        """
        self._write(Keys("x" * 18, "x" * 40), try_only=True)

    def hold(self, keys: Keys) -> None:
        """Put `keys` into the secret, with address and region where it has none."""
        self._write(keys)

    def _write(self, keys: Keys, try_only: bool = False) -> None:
        there, values = self._values is not None, self._values or {}
        address = self._address or values.get(ENDPOINT["secret"], "") or self._own_address()
        region = values.get(REGION) or self._server.region
        new = {ACCESS: keys.access, SECRET: keys.secret, REGION: region}
        self._secret.write(
            new | ({ENDPOINT["secret"]: address} if address else {}),
            there,
            _form(self._secret.name, address, region),
            try_only,
        )

    def _own_address(self) -> str:
        address = "" if self._server.address == AWS else self._server.address
        if urlsplit(address).hostname in LOOPBACK:
            raise UsageError(
                f"Runs must be able to reach the store. Received: {address}, which is this machine. "
                "Say what it is called on the cluster: --address http://pawline-store:9000."
            )
        return address


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A file of environment variables, for its owner alone; one that is there already is never written."""

    path: Path
    server: S3Server

    @property
    def name(self) -> str:
        """Return what is said of it."""
        return f"file {one_line(self.path, 200)}"

    def held(self) -> Keys | None:
        """Return the key in the file, None where there is no file.

        Raises:
            UsageError: it is there and holds something else.
        """
        if not self.path.exists() and not self.path.is_symlink():
            return None
        try:
            with open_regular_text(self.path) as file:
                lines = file.read(LARGEST_FILE).splitlines()
        except (OSError, ValueError):
            lines = []
        found = _keys({name: value for name, _, value in (line.partition("=") for line in lines)})
        if found is None:
            raise self._refusal("which is there and holds no key")
        return found

    def check(self) -> None:
        """Find out whether the file may be made.

        Raises:
            UsageError: it is there, or its folder is not.
        """
        if self.path.exists() or self.path.is_symlink():
            raise self._refusal("which is there")
        if not os.access(self.path.absolute().parent, os.W_OK):
            raise self._refusal("whose folder is not there or not yours to write")

    def hold(self, keys: Keys) -> None:
        """Make the file with `keys`, readable for its owner alone.

        Raises:
            ServiceError: it cannot be written.
        """
        endpoint = {} if self.server.address == AWS else {ENDPOINT["file"]: self.server.address}
        values = {ACCESS: keys.access, SECRET: keys.secret, REGION: self.server.region, **endpoint}
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                file.writelines(f"{name}={value}\n" for name, value in values.items())
        except OSError as error:
            raise ServiceError(
                f"The file must be writable. Received: {one_line(self.path, 200)}: {error.strerror}. Name another."
            ) from error

    def _refusal(self, why: str) -> UsageError:
        return UsageError(
            f"--env-file must be a new file. Received: {one_line(self.path, 200)}, {why}. Name another one."
        )


def _keys(values: Mapping[str, str]) -> Keys | None:
    access, secret = values.get(ACCESS, "").strip(), values.get(SECRET, "").strip()
    return Keys(access, secret) if access and secret else None


def _form(name: str, address: str, region: str) -> dict[str, Any]:
    """Return the metadata of a new secret: a data connection of OpenShift AI, which KServe can read too."""
    parts = urlsplit(address)
    kserve = {"s3-endpoint": parts.netloc, "s3-usehttps": "0" if parts.scheme == "http" else "1", "s3-region": region}
    return {
        "labels": {"app.kubernetes.io/part-of": "pawline", "opendatahub.io/dashboard": "true"},
        "annotations": {
            "opendatahub.io/connection-type-ref": "s3",
            "openshift.io/display-name": name,
            **{f"serving.kserve.io/{key}": value for key, value in kserve.items() if value},
        },
    }
