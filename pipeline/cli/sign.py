"""`pawline sign`: a bundle's signature, written into its folder or beside its files in a bucket."""

import argparse
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from components.bundle.signature import SIGNATURE, sign_bundle
from components.inference.source import StoreSource
from components.signing.key_files import key_file
from components.signing.signer import KEY, PASSWORD_FILE, Signer, signer_from
from components.step.addresses import file_path
from components.step.errors import UsageError, one_line
from components.storage.stores import open_store
from pipeline.local.references import bundle_of


def sign(arguments: argparse.Namespace) -> None:
    """Sign the bundle that the command line's `arguments` name, and print by whom.

    Raises:
        UsageError: what is named is no bundle or no key, or nobody signs.
        DataError: the bundle is damaged; it is not signed then.
        ServiceError: its store or Sigstore does not answer.
    """
    place = bundle_of(arguments.bundle, arguments.runs)
    if place.startswith("models:"):
        raise UsageError(
            "A registered version stays as it was registered. "
            f"Received: {one_line(place)}. Sign the bundle of its run, and promote that."
        )
    signer = _signer(arguments, os.environ)
    with _folder(place) as folder:
        sign_bundle(folder, signer)
    print(f"{one_line(place)}: signed {f'by {one_line(signer.key)}' if signer.key else 'keyless'}, in {SIGNATURE}")


def _signer(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Signer:
    sigstore = key_file("--sigstore", arguments.sigstore) if arguments.sigstore else None
    if arguments.keyless:
        return Signer(sigstore=sigstore)
    named = {KEY: arguments.key, PASSWORD_FILE: arguments.password_file}
    signer = signer_from({**environment, **{name: value for name, value in named.items() if value is not None}})
    if signer is None:
        raise UsageError(
            f"Who signs must be said. Received: neither --key nor --keyless, and no {KEY}. Name one of them."
        )
    return signer


@contextmanager
def _folder(place: str) -> Iterator[Path]:
    """Yield the bundle's folder, or one with the files from its bucket, to which the signature goes afterwards."""
    if not place.lower().startswith("s3://"):
        yield file_path(place)
        return
    store = open_store(place)
    source = StoreSource(store)
    with source.bundle(source.revision()) as found:
        yield found.directory
        store.upload(SIGNATURE, found.directory / SIGNATURE)
