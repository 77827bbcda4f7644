"""A folder's signature: one file that names every other by its sha256, signed, in the form of OpenSSF Model Signing."""

import hashlib
from collections.abc import Collection
from pathlib import Path

from components.signing.key_files import public_key
from components.signing.keyless import keyless_digests
from components.signing.statement import Foreign, signed_digests
from components.signing.trust import Trust
from components.step.errors import DataError, PawlineError, one_line
from components.step.regular_files import open_regular, read_regular

MOST_BYTES = 1 << 20


def signed_files(folder: Path, signature: str, trust: Trust, names: Collection[str]) -> dict[str, str]:
    """Return the sha256 by name of the files in `folder`, which `trust` has signed and which are as they were then.

    Args:
        folder: what holds the files, each of a size that may be read, the signature, and nothing else.
        signature: the name of the file with the signature.
        trust: whose signature it must be.
        names: the files that must be signed, and no others.

    Raises:
        DataError: there is no such signature, or a file is missing, added or another one.
        ServiceError: Sigstore does not answer.
    """
    content = _content(folder, signature)
    try:
        signed = signed_digests(content, public_key(trust.key)) if trust.key else keyless_digests(content, trust)
    except PawlineError:
        raise
    except Foreign as error:
        raise _refusal(folder, "its signature is another's, or was changed") from error
    except Exception as error:  # Hostile JSON has no closed list of what it makes a reader raise.
        said = f"{type(error).__name__}: {error}"
        raise _refusal(folder, f"its signature is none that can be read: {said}") from error
    if different := sorted(set(signed) ^ set(names)):
        raise _refusal(folder, f"it is not what was signed: {', '.join(different)}")
    _check_files(folder, signature, signed)
    return signed


def _check_files(folder: Path, signature: str, signed: dict[str, str]) -> None:
    others = {path.name for path in folder.iterdir()} - {signature, *signed}
    changed = [name for name, digest in signed.items() if _digest(folder / name) != digest]
    if wrong := sorted([*others, *changed]):
        raise _refusal(folder, f"it is not what was signed: {', '.join(wrong)}")


def _digest(path: Path) -> str:
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _content(folder: Path, signature: str) -> bytes:
    try:
        return read_regular(folder / signature, MOST_BYTES)
    except FileNotFoundError:
        raise _refusal(folder, f"no {signature}, so it is not signed") from None
    except OSError as error:
        raise _refusal(folder, f"{signature}: {error.strerror or error}") from error


def _refusal(folder: Path, what: str) -> DataError:
    return DataError(
        f"What is taken into use must be signed by whom one trusts, and as it was then. "
        f"Received: {one_line(folder)}: {one_line(what)}. Take another one, or sign it if it is yours."
    )
