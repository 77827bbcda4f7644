"""`pawline store init`: an S3 store made ready for runs, with a key of their own where it is a MinIO."""

import argparse
import os
import sys

from components.step.errors import ServiceError, UsageError
from components.step.files import json_text
from pipeline.cli.schedule_words import SIGNS
from pipeline.cluster.named import NAMESPACE
from pipeline.cluster.run_artifacts import ROOT
from pipeline.cluster.secrets import KubernetesSecret
from pipeline.compilation import COMPILED_PIPELINE
from pipeline.compiled import load_pipeline
from pipeline.config import read_configs
from pipeline.parameters import parse_parameters
from pipeline.store_setup.changes import carry_out
from pipeline.store_setup.key_places import FilePlace, KeyPlace, SecretPlace
from pipeline.store_setup.minio_rights import NoAdmin
from pipeline.store_setup.places import places_of
from pipeline.store_setup.s3_server import S3Server, named_store
from pipeline.store_setup.whole import Plan, Wish, plan


def init(arguments: argparse.Namespace) -> None:
    """Print what must change in the store that the environment names, then change it, unless `--dry-run`.

    Raises:
        UsageError: the environment or an argument is not as it must be; nothing has been changed.
        DataError: a bucket is somebody else's, or the key that is there does not work.
        ServiceError: the store or the cluster refuses or does not answer; the message says what was done.
    """
    parameters = _parameters(arguments)
    artifacts = arguments.artifacts or list(filter(None, [os.environ.get(ROOT, "").strip()]))
    places = places_of(parameters, artifacts)
    server = named_store()
    key_place = _key_place(arguments, server, arguments.secret or str(parameters["s3_secret"]))
    found = plan(server, Wish(places, arguments.policy, key_place, arguments.new_key))
    _print(arguments, server, found)
    sys.stdout.flush()
    if not arguments.dry_run:
        carry_out(found.changes)
    if found.refusal:
        raise NoAdmin(f"{found.refusal} Buckets are done; policy and key are not, see the policy above.")


def _parameters(arguments: argparse.Namespace) -> dict[str, object]:
    declared = load_pipeline(COMPILED_PIPELINE).parameters
    configured = read_configs(arguments.config, declared)
    return parse_parameters(arguments.param, declared, configured)


def _key_place(arguments: argparse.Namespace, server: S3Server, secret: str) -> KeyPlace | None:
    if arguments.no_key:
        if arguments.new_key:
            raise UsageError("A key is wanted or not. Received: --no-key and --new-key. Leave one out.")
        return None
    if arguments.env_file:
        return FilePlace(arguments.env_file, server)
    namespace = arguments.namespace or os.environ.get(NAMESPACE, "").strip()
    try:
        found = KubernetesSecret(secret, namespace)
    except ServiceError as error:
        raise ServiceError(f"{error} Without a cluster: --env-file FILE, or --no-key.") from error
    return SecretPlace(found, server, arguments.address)


def _print(arguments: argparse.Namespace, server: S3Server, found: Plan) -> None:
    if arguments.json:
        changes = [change.as_json() for change in found.changes]
        print(json_text({"store": server.name, "changes": changes, "policy": found.policy}), end="")
        return
    print(server.name)
    for change in found.changes:
        print(f"{SIGNS[change.kind]} {change.name}: {change.said}")
    if found.by_hand:
        print(f"what a key for runs must be allowed:\n{json_text(found.policy)}", end="")
    if not any(change.do for change in found.changes):
        print("nothing to change")
