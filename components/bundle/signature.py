"""A bundle's signature, `model.sig` in its folder: of its manifest and all of its other files, and of no others."""

from pathlib import Path

from components.bundle.boundary import check_file, damaged, sound
from components.bundle.manifest import MANIFEST, MOST_BYTES, SEALED, read_manifest, verify_files
from components.signing.folder import signed_files
from components.signing.signer import Signer, sign_folder
from components.signing.trust import Trust
from components.step.errors import DataError, one_line

SIGNATURE = "model.sig"
FILES = (MANIFEST, *SEALED)


def sign_bundle(directory: Path, signer: Signer) -> None:
    """Sign the bundle in `directory`, which is whole; a signature that it has is replaced.

    Raises:
        DataError: it is damaged, or holds other files too.
        UsageError: the signer's key is none.
        ServiceError: it cannot be written, or Sigstore does not answer.
    """
    verify_files(directory, read_manifest(directory))
    _check_files(directory)
    sign_folder(directory, SIGNATURE, signer)


def check_signature(directory: Path, trust: Trust) -> str:
    """Return the digest of the bundle in `directory`, the sha256 of its manifest, as `trust` has signed it.

    Raises:
        DataError: it is unsigned, signed by another, or not as it was then.
        ServiceError: Sigstore does not answer.
    """
    _check_files(directory)
    return signed_files(directory, SIGNATURE, trust, FILES)[MANIFEST]


def _check_files(directory: Path) -> None:
    """Check that there are the files of a bundle alone, each of a size that may be read."""
    with sound(directory):
        others = sorted({path.name for path in directory.iterdir()} - {*FILES, SIGNATURE})
    if others:
        raise DataError(
            "A signed bundle must hold its own files alone. "
            f"Received: {one_line(directory)} with {one_line(others[0], 120)}. Remove what is not of it."
        )
    for name in FILES:
        with sound(directory / name):
            check_file(directory / name, MOST_BYTES[name])
            if (directory / name).is_symlink():
                raise damaged(directory / name, "a link")
