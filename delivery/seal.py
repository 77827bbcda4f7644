"""What lies in dist/, signed and verified as one: `python -m delivery.seal sign|verify`.

The keys are those that the environment names (docs/security.md). Without them, to try it, there is a pair of this
user's own, outside of the repository.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from components.signing.folder import signed_files
from components.signing.key_files import private_key
from components.signing.signer import Signer, sign_folder, signer_from
from components.signing.trust import Trust, trust_from
from components.step.counts import counted
from components.step.errors import DataError, one_line
from components.step.files import atomic_write
from delivery.command import ended
from delivery.sbom import DIST, check_schema

SIGNATURE = "pawline.sig"
TRIAL = Path("pawline", "trial-signing.pem")


def sign(folder: Path, environment: Mapping[str, str]) -> Path | None:
    """Sign the files in `folder`; return the key by which, None for keyless.

    Raises:
        DataError: there are none.
        UsageError: the environment names no key.
    """
    _files(folder)
    signer = signer_from(environment) or Signer(_trial_key(environment))
    sign_folder(folder, SIGNATURE, signer)
    return signer.key


def verify(folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Return the names of the files in `folder`, which whom `environment` trusts has signed, and which are well.

    Raises:
        DataError: one is missing, added or another, or an SBOM is none.
    """
    names = _files(folder)
    trust = trust_from(environment) or Trust(_trial_key(environment).with_suffix(".pub"))
    signed_files(folder, SIGNATURE, trust, names)
    for name in names:
        if name.endswith(".cdx.json"):
            check_schema(name, (folder / name).read_text(encoding="utf-8"))
    return names


def _files(folder: Path) -> list[str]:
    names = sorted(path.name for path in folder.glob("*") if path.name != SIGNATURE)
    if not names:
        raise DataError(f"There must be something to sign. Received: nothing in {one_line(folder)}. `make sbom wheel`.")
    return names


def _trial_key(environment: Mapping[str, str]) -> Path:
    """Return the private key for trying this, made if need be; its public one lies beside it."""
    state = environment.get("XDG_STATE_HOME") or Path(environment.get("HOME") or Path.home(), ".local", "state")
    path = Path(state, TRIAL)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with atomic_write(path) as temporary:
            temporary.touch(mode=0o600)
            temporary.write_bytes(_new_key())
    with atomic_write(path.with_suffix(".pub")) as temporary:
        temporary.write_bytes(_public_of(path))
    return path


def _new_key() -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _public_of(path: Path) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = private_key(path, None).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def main() -> None:
    """Do what the command line says, and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=("sign", "verify"))
    if parser.parse_args().action == "sign":
        key = sign(DIST, os.environ)
        print(f"{DIST.name}: signed by {one_line(key)}, in {SIGNATURE}")
    else:
        print(f"{DIST.name}: {counted(len(verify(DIST, os.environ)), 'file')} signed and unchanged")


if __name__ == "__main__":
    sys.exit(ended(main))
