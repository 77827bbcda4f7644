"""The rights that runs need, as an IAM policy, which AWS and MinIO read alike; put into one that is there already."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.store_setup.places import Place, Places, outermost

Policy = dict[str, Any]


def policy_of(places: Places) -> Policy:
    """Return the least that runs need of `places`: what is kept for good is never theirs to delete."""
    written = _objects(places.written)
    tidied = [*_objects(places.checkpoints), *(_arn(place.bucket, place.prefix) for place in places.probes)]
    statements = [
        # Without it an object that is not there would be a forbidden one, as with a condition on the prefix.
        _allow(["s3:GetBucketLocation", "s3:ListBucket"], [_arn(bucket) for bucket in places.buckets]),
        _allow(["s3:GetObject"], [*written, *_objects(places.read), *_files(places.read)]),
        _allow(["s3:AbortMultipartUpload", "s3:PutObject"], written),
        _allow(["s3:DeleteObject"], tidied),
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def missing_of(ours: Policy, there: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the statements of `ours` that the policy `there` does not have."""
    return [statement for statement in ours["Statement"] if not any(_covers(s, statement) for s in _statements(there))]


def others_of(ours: Policy, there: Mapping[str, Any]) -> int:
    """Return how many statements the policy `there` has that are none of `ours`."""
    return sum(not any(_covers(own, s) for own in ours["Statement"]) for s in _statements(there))


def added_to(there: Mapping[str, Any], statements: Iterable[Mapping[str, Any]]) -> Policy:
    """Return the policy `there` with `statements` behind its own, which stay as they are."""
    return {"Version": "2012-10-17", **there, "Statement": [*_statements(there), *statements]}


def _allow(actions: list[str], resources: Iterable[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": sorted(set(resources))}


def _covers(statement: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    if statement.get("Effect") != wanted.get("Effect") or statement.get("Condition"):
        return False
    return all(set(_list(wanted.get(of))) <= set(_list(statement.get(of))) for of in ("Action", "Resource"))


def _statements(policy: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = policy.get("Statement") or []
    return [found] if isinstance(found, Mapping) else list(found)


def _list(value: object) -> list[str]:
    return [value] if isinstance(value, str) else list(value) if isinstance(value, Sequence) else []


def _objects(places: Iterable[Place]) -> list[str]:
    return [_arn(place.bucket, f"{place.folder}*") for place in outermost(places)]


def _files(places: Iterable[Place]) -> list[str]:
    return [_arn(place.bucket, place.prefix) for place in places if place.prefix]


def _arn(*parts: str) -> str:
    return f"arn:aws:s3:::{'/'.join(parts)}"
