"""What is to be done to a store's buckets: made, versions kept, rules added."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from components.step.errors import one_line
from pipeline.store_setup.changes import Change
from pipeline.store_setup.lifecycle import Merge, ends_old_versions, merged, rules_of
from pipeline.store_setup.places import Places
from pipeline.store_setup.s3_server import NOT_KNOWN, S3Server, spoken_with

if TYPE_CHECKING:
    from minio.lifecycleconfig import Rule

# AWS says by it since when transitions leave small objects where they are; sent back, or it would change.
TRANSITION_SIZE = "x-amz-transition-default-minimum-object-size"


def bucket_changes(server: S3Server, places: Places) -> Iterator[Change]:
    """Yield what is to be done for each bucket of `places`; what runs only read is made if need be, and left alone.

    Raises:
        DataError: a bucket is somebody else's.
        ServiceError: the store refuses or does not answer.
    """
    for bucket in places.buckets:
        there = _is_there(server, bucket)
        yield _existence(server, bucket, there)
        if bucket in places.written_buckets:
            # Rules first: whoever is interrupted has no old versions yet that would stay for ever.
            versions = _versions(server, bucket) if there else "Off"
            yield from _rules(server, places, bucket, there, versions)
            yield _versioning(server, bucket, versions)


def _is_there(server: S3Server, bucket: str) -> bool:
    from minio.error import S3Error

    with spoken_with(server, f"look into the bucket {bucket}"):
        try:
            return server.client.bucket_exists(bucket)
        except S3Error:  # An answer to HEAD has no body: the same refusal of a GET says why.
            server.client.get_bucket_versioning(bucket)
            raise


def _existence(server: S3Server, bucket: str, there: bool) -> Change:
    def make() -> None:
        with spoken_with(server, f"make the bucket {bucket}"):
            server.client.make_bucket(bucket, server.region)

    return Change("keep", f"bucket {bucket}", "there") if there else Change("create", f"bucket {bucket}", "new", make)


def _versions(server: S3Server, bucket: str) -> str:
    """Return what the bucket does with old versions: Enabled, Suspended or Off; Unknown of a store that has none."""
    from minio.error import S3Error

    with spoken_with(server, f"say whether {bucket} keeps versions"):
        try:
            return server.client.get_bucket_versioning(bucket).status_string
        except S3Error as error:
            if error.code in NOT_KNOWN:
                return "Unknown"
            raise


def _versioning(server: S3Server, bucket: str, versions: str) -> Change:
    def turn_on() -> None:
        from minio.commonconfig import ENABLED
        from minio.versioningconfig import VersioningConfig

        with spoken_with(server, f"keep versions in {bucket}"):
            server.client.set_bucket_versioning(bucket, VersioningConfig(ENABLED))

    name = f"versions in {bucket}"
    if versions == "Off":
        return Change("create", name, "kept from now on", turn_on)
    said = {"Enabled": "kept", "Suspended": "somebody suspended them, left alone", "Unknown": "the store has none"}
    return Change("keep" if versions == "Enabled" else "leave", name, said[versions])


def _rules(server: S3Server, places: Places, bucket: str, there: bool, versions: str) -> Iterator[Change]:
    xml, headers = _lifecycle(server, bucket) if there else (b"", {})
    ours = rules_of(places, bucket, aborts_uploads=not server.is_minio)
    found = _merged(server, bucket, xml, ours)
    if versions != "Off" and any(ends_old_versions(rule) and rule.rule_id in found.added for rule in ours):
        yield Change("leave", f"old versions in {bucket}", "kept before this, so no rule ends them")
        found = _merged(server, bucket, xml, [rule for rule in ours if not ends_old_versions(rule)])
    for rule in found.kept:
        yield Change("keep", f"rule {rule} of {bucket}", "there")
    for rule in found.changed:
        yield Change("leave", f"rule {rule} of {bucket}", "somebody changed it, left alone")
    for rule in found.others:
        yield Change("leave", f"rule {one_line(rule or 'without a name', 80)} of {bucket}", "not ours, left alone")
    if found.added:
        put = partial(_put_lifecycle, server, bucket, found.xml, headers)
        yield Change("create", f"rules of {bucket}", f"added: {', '.join(found.added)}", put)


def _merged(server: S3Server, bucket: str, xml: bytes, ours: Sequence["Rule"]) -> Merge:
    with spoken_with(server, f"say the rules of {bucket}"):
        return merged(xml, ours)


def _lifecycle(server: S3Server, bucket: str) -> tuple[bytes, dict[str, str]]:
    """Return the bucket's lifecycle as XML, empty for none, and the header to send it back with."""
    from minio.error import S3Error

    with spoken_with(server, f"say the rules of {bucket}"):
        try:
            # The SDK's public call reads the XML into rules of its own, which lose what it does not know of others'.
            answer = server.client._execute("GET", bucket, query_params={"lifecycle": ""})
        except S3Error as error:
            if error.code == "NoSuchLifecycleConfiguration":
                return b"", {}
            raise
    kept = answer.headers.get(TRANSITION_SIZE)
    return answer.data, {TRANSITION_SIZE: kept} if kept else {}


def _put_lifecycle(server: S3Server, bucket: str, xml: bytes, headers: dict[str, str]) -> None:
    from minio.helpers import md5sum_hash

    with spoken_with(server, f"take the rules of {bucket}"):
        sent: dict[str, Any] = {"Content-MD5": md5sum_hash(xml), **headers}
        server.client._execute("PUT", bucket, body=xml, headers=sent, query_params={"lifecycle": ""})
