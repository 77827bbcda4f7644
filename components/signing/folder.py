"""A folder's signature: one file that names every other by its sha256, signed. Made and checked by `model_signing`."""

import base64
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

from components.signing.signer import Signer, sigstore_answering
from components.signing.trust import Trust
from components.step.errors import DataError, PawlineError, one_line
from components.step.files import atomic_write, scratch_folder
from components.step.regular_files import read_regular
from components.step.strict_json import read_json

MOST_BYTES = 1 << 20


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


def signed_files(folder: Path, signature: str, trust: Trust, names: Collection[str]) -> dict[str, str]:
    """Return the sha256 by name of the files in `folder`, which `trust` has signed and which are as they were then.

    Args:
        folder: what holds nothing but the files and the signature, each of a size that may be read.
        signature: the name of the file with the signature.
        trust: whose signature it must be.
        names: the files that must be signed, and no others.

    Raises:
        DataError: there is no such signature, or a file is missing, added or another one.
        ServiceError: Sigstore does not answer.
    """
    config = trust.configured()
    with scratch_folder() as aside:
        copy = aside / signature  # What is verified is what is read afterwards.
        copy.write_bytes(_content(folder, signature))
        try:
            config.set_hashing_config(_hashing(signature)).verify(folder, copy)
            found = _names_and_digests(copy)
        except PawlineError:
            raise
        except Exception as error:  # Hostile JSON has no closed list of what it makes the library raise.
            raise _refusal(folder, _reason(error)) from error
    if set(found) != set(names):
        raise _refusal(folder, f"the signature is of {', '.join(sorted(found)) or 'nothing'}")
    return found


def _hashing(signature: str) -> Any:
    """Return how files are hashed: sha256 of each whole file, whatever a signature asks for."""
    from model_signing.hashing import Config

    return (
        Config()
        .use_file_serialization(hashing_algorithm="sha256")
        .set_ignored_paths(paths=[signature], ignore_git_paths=False)
    )


def _content(folder: Path, signature: str) -> bytes:
    path = folder / signature
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _refusal(folder, f"a signature of more than {MOST_BYTES} bytes")
        return read_regular(path)
    except FileNotFoundError:
        raise _refusal(folder, f"no {signature}, so it is not signed") from None
    except OSError as error:
        raise _refusal(folder, f"{signature}: {error.strerror or error}") from error


def _names_and_digests(signature: Path) -> dict[str, str]:
    envelope = read_json(signature.read_bytes())["dsseEnvelope"]
    resources = read_json(base64.b64decode(envelope["payload"]))["predicate"]["resources"]
    return {str(resource["name"]): str(resource["digest"]) for resource in resources}


def _reason(error: Exception) -> str:
    from cryptography.exceptions import InvalidSignature

    said = str(error)
    if isinstance(error, InvalidSignature) or said.startswith("Key mismatch"):
        return "its signature is another key's, or was changed"
    if said.startswith("Signature mismatch"):
        return f"it is not what was signed: {said.removeprefix('Signature mismatch: ')}"
    return f"its signature is none that can be read: {type(error).__name__}: {said}"


def _refusal(folder: Path, what: str) -> DataError:
    return DataError(
        f"What is taken into use must be signed by whom one trusts, and as it was then. "
        f"Received: {one_line(folder)}: {one_line(what)}. Take another one, or sign it if it is yours."
    )
