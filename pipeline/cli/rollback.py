"""`pawline rollback`: the model registry's champion put back to what it was before, and its servers followed."""

import argparse
import os
from math import inf
from pathlib import Path

from components.bundle.manifest import MANIFEST, read_manifest, sha256_of, verify_files
from components.bundle.registered import other_digest
from components.bundle.signature import check_signature
from components.promote.champion import previous_of, roll_back
from components.registry.version import Version
from components.registry.versions import BUNDLE, Registry, open_registry
from components.signing.trust import trust_from
from components.step.errors import DataError, UsageError, one_line
from components.step.files import scratch_folder
from pipeline.cli.in_service import say_nothing_was_seen, wait_until_served
from pipeline.cluster.servers import named_server_of_model
from pipeline.local.folder import TRACKING_STORE, tracking_uri


def rollback(arguments: argparse.Namespace) -> None:
    """Put the alias champion back on the version before, whose files are verified first; print both.

    Then wait until every server that is named answers with it.

    Raises:
        UsageError: no registry is named and `--runs` has none, or a server's name is not legal.
        DataError: there is no champion, none before it, or its files are damaged; nothing was changed.
        ServiceError: the registry does not answer, or not every server serves that version in time.
    """
    if not 0 <= arguments.wait < inf:
        raise UsageError(f"--wait must be seconds, at least 0. Received: --wait {arguments.wait:g}. Correct it.")
    looks = [named_server_of_model(name, arguments.namespace or "") for name in arguments.server]
    registry = _registry(arguments)
    champion = registry.version(registry.champion_number())
    if champion is None:
        raise DataError(
            f"There must be a champion to roll back. Received: none of {arguments.model_name}. Check --model-name."
        )
    digest = _verified(registry, previous_of(registry, champion))
    previous = roll_back(registry, champion)
    print(f"{arguments.model_name}: version {champion.number}, digest {one_line(champion.tag('digest'))}, is put back")
    print(f"{arguments.model_name}: champion is version {previous.number}, digest {digest}")
    if looks:
        wait_until_served(looks, digest, arguments.wait)
    else:
        say_nothing_was_seen()


def _registry(arguments: argparse.Namespace) -> Registry:
    environment = dict(os.environ)
    if "MLFLOW_TRACKING_URI" not in environment and (arguments.runs / TRACKING_STORE).is_file():
        environment["MLFLOW_TRACKING_URI"] = tracking_uri(arguments.runs.absolute())
    if registry := open_registry(environment, arguments.model_name):
        return registry
    raise UsageError(
        "There must be a model registry. "
        f"Received: no MLFLOW_TRACKING_URI, and no {TRACKING_STORE} in {one_line(arguments.runs)}. Name one of them."
    )


def _verified(registry: Registry, version: Version) -> str:
    """Return the digest of the bundle of `version`, which is whole."""
    with scratch_folder() as folder:
        place = registry.download(version, BUNDLE, Path(folder))
        if place is None:
            raise _refusal(version, "its files are not there")
        try:
            verify_files(place, read_manifest(place))
            if trust := trust_from(os.environ):
                check_signature(place, trust)
        except DataError as error:
            raise _refusal(version, str(error).replace(f"{folder}/", "")) from error
        if digest := other_digest(place, version):
            raise _refusal(version, f"its digest is {digest}")
        return sha256_of(place / MANIFEST)


def _refusal(version: Version, what: str) -> DataError:
    return DataError(
        f"The version to go back to must be complete. Received: version {version.number}: {one_line(what)} "
        "Nothing was changed."
    )
