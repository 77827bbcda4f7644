"""A bundle downloaded from the model registry: is it the one that was promoted?"""

from pathlib import Path

from components.bundle.boundary import sound
from components.bundle.manifest import MANIFEST, sha256_of
from components.registry.version import Version


def other_digest(directory: Path, version: Version) -> str:
    """Return the digest of the bundle in `directory` if it is not the one that `version` was made with, else "".

    A version that was registered by other means than promotion says nothing of its digest; any is right then.

    Raises:
        DataError: there is no manifest.
    """
    with sound(directory / MANIFEST):
        digest = sha256_of(directory / MANIFEST)
    return "" if digest == (version.tag("digest") or digest) else digest
