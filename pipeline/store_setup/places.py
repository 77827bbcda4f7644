"""What of a store a run reads and writes, as its parameters say it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.parameters.places import CHECKPOINTS, check_store
from components.step.addresses import S3, bucket_and_prefix
from components.step.errors import UsageError, one_line
from components.storage.s3 import PROBE

READ = ("annotations_uri", "images_uri", "weights", "promotion_policy")
# What a policy would take for a pattern or a variable, and so let a key see more than is meant.
PATTERN = re.compile(r"[*?$]")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A prefix of a bucket, without "/" at its end; an empty one is the whole bucket."""

    bucket: str
    prefix: str

    @property
    def folder(self) -> str:
        """Return how the keys below it begin."""
        return f"{self.prefix}/" if self.prefix else ""

    def holds(self, other: "Place") -> bool:
        """Tell whether `other` lies in it, or is the same."""
        return self.bucket == other.bucket and other.folder.startswith(self.folder)


def outermost(places: Iterable[Place]) -> Iterator[Place]:
    """Yield those of `places` that lie in no other."""
    found = sorted(set(places))
    for place in found:
        if not any(other != place and other.holds(place) for other in found):
            yield place


@dataclass(frozen=True, slots=True)
class Places:
    """What is `read` alone and what is `written`; of that, where `checkpoints` come and go and `probes` are made."""

    read: tuple[Place, ...]
    written: tuple[Place, ...]
    checkpoints: tuple[Place, ...]
    probes: tuple[Place, ...]

    @property
    def written_buckets(self) -> tuple[str, ...]:
        """Return the buckets that are written, by name."""
        return tuple(sorted({place.bucket for place in self.written}))

    @property
    def buckets(self) -> tuple[str, ...]:
        """Return all buckets, by name."""
        return tuple(sorted({place.bucket for place in (*self.read, *self.written)}))


def places_of(parameters: Mapping[str, Any], artifacts: Sequence[str]) -> Places:
    """Return the places in S3 that `parameters` of a run name; `artifacts` are others that its key shall write to.

    Raises:
        UsageError: dataset_store is not in S3, or a place is none that a policy can name.
    """
    store = _place("dataset_store", str(parameters["dataset_store"]))
    read = tuple(_in_s3(READ, parameters))
    checkpoints = tuple(_in_s3(("checkpoint_uri",), parameters)) or (
        Place(store.bucket, f"{store.folder}{CHECKPOINTS}"),
    )
    others = (*_in_s3(("cache_uri",), parameters), *(_place("--artifacts", uri) for uri in artifacts))
    written = tuple(dict.fromkeys((store, *checkpoints, *others)))
    return Places(read, written, checkpoints, (Place(store.bucket, f"{store.folder}{PROBE}"),))


def _in_s3(names: Sequence[str], parameters: Mapping[str, Any]) -> Iterator[Place]:
    for name in names:
        if str(parameters.get(name, "")).lower().startswith(S3):
            yield _place(name, str(parameters[name]))


def _place(name: str, uri: str) -> Place:
    from minio.helpers import check_bucket_name

    if not uri.lower().startswith(S3):
        raise UsageError(f"{name} must be in S3 to be made ready. Received: {one_line(repr(uri), 120)}. Write s3://….")
    check_store(name, uri)
    bucket, prefix = bucket_and_prefix(uri)
    try:
        check_bucket_name(bucket, strict=True)
        if PATTERN.search(prefix):
            raise ValueError("a policy would take *, ? and $ for a pattern")
    except ValueError as error:
        raise UsageError(
            f"{name} must be s3://bucket/prefix with a bucket's name as S3 has it. Received: "
            f"{one_line(repr(uri), 120)}: {one_line(error, 120)}. Take another."
        ) from error
    return Place(bucket, prefix.strip("/"))
