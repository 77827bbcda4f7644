"""Who signs: a private key in a file, or, keyless, whoever the machine or a browser says that one is."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components.signing.key_files import key_file, private_key
from components.step.errors import ServiceError, UsageError, one_line

if TYPE_CHECKING:
    from model_signing.signing import Config

KEY, PASSWORD_FILE = "PAWLINE_SIGNING_KEY", "PAWLINE_SIGNING_PASSWORD_FILE"


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key's file, and that of its password if it has one; without a key, keyless by Sigstore.

    `sigstore` is the file with the trust of a private Sigstore, the public one's if None.
    """

    key: Path | None = None
    password_file: Path | None = None
    sigstore: Path | None = None

    def configured(self) -> "Config":
        """Return the library's configuration that signs so.

        Raises:
            UsageError: the key is none, or its password another.
            ServiceError: Sigstore does not answer.
        """
        from model_signing.signing import Config

        if self.key:
            self.check()
            return Config().use_elliptic_key_signer(private_key=self.key, password=self._password())
        with sigstore_answering():
            return Config().use_sigstore_signer(use_ambient_credentials=True, trust_config=self.sigstore)

    def check(self) -> None:
        """Check that what signs by a key is one, before anything that takes long.

        Raises:
            UsageError: it is none, or its password another.
        """
        if self.key:
            private_key(self.key, self._password())

    def _password(self) -> bytes | None:
        if self.password_file is None:
            return None
        try:
            return self.password_file.read_bytes().strip()
        except OSError as error:
            raise UsageError(
                f"A key's password must be in a file. Received: {one_line(self.password_file)}: {error.strerror}. "
                f"Correct {PASSWORD_FILE}."
            ) from error


def signer_from(environment: Mapping[str, str]) -> Signer | None:
    """Return who signs what is trained, None where `environment` names no key; its key was read and is one.

    Raises:
        UsageError: a name is empty, or names no key.
    """
    if KEY not in environment:
        return None
    password = environment.get(PASSWORD_FILE)
    signer = Signer(key_file(KEY, environment[KEY]), key_file(PASSWORD_FILE, password) if password else None)
    signer.check()
    return signer


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
