"""Who signs: a private key in a file, or, keyless, whoever the machine or a browser says that one is."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.signing.key_files import key_file, private_key
from components.signing.keyless import check_library, sigstore_answering
from components.step.errors import UsageError, one_line
from components.step.files import atomic_write, scratch_folder

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
        check_library()
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


def sign_folder(folder: Path, signature: str, signer: Signer) -> None:
    """Sign every file in `folder` but the one called `signature`, which is written, complete or not at all.

    Raises:
        UsageError: the signer's key is none.
        ServiceError: the folder cannot be written, or Sigstore does not answer.
    """
    config = signer.configured().set_hashing_config(_hashing(signature))
    with atomic_write(folder / signature) as temporary, scratch_folder() as aside:
        if signer.key:
            config.sign(folder, aside / signature)
        else:
            with sigstore_answering():
                config.sign(folder, aside / signature)
        shutil.copyfile(aside / signature, temporary)


def _hashing(signature: str) -> Any:
    from model_signing.hashing import Config

    hashing = Config().use_file_serialization(hashing_algorithm="sha256")
    return hashing.set_ignored_paths(paths=[signature], ignore_git_paths=False)
