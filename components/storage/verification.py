"""Whether bytes are those that an S3 store keeps, by what it offers: an ETag that is an MD5, or a checksum.

`facts` is what the store said of the object in its answer to GET or HEAD, as boto3 gives it.
"""

import base64
import hashlib
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Any, Protocol

MD5, CHECKSUM, NOTHING = "MD5", "checksum", "nothing but size"
MEBIBYTE = 1 << 20
# What common clients cut large objects into; those of others are asked for.
USUAL_PART_SIZES = tuple(size * MEBIBYTE for size in (5, 8, 10, 15, 16, 20, 25, 32, 50, 64, 100, 128, 256, 512))
_ETAG = re.compile(r'"?([0-9a-f]{32}(-([1-9][0-9]{0,4}))?)"?')
_CHECKSUMS: dict[str, Callable[[memoryview], bytes]] = {
    "ChecksumSHA256": lambda data: hashlib.sha256(data).digest(),
    "ChecksumSHA1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    "ChecksumCRC32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
}

Facts = Mapping[str, Any]


class OtherBytes(Exception):
    """Bytes that are not those of the ETag or checksum; the message says which."""


class Ask(Protocol):
    """Asks the store for more facts about the object; returns none where it does not know such a question."""

    def __call__(self, **asked: Any) -> Facts:
        """Return what HEAD answers with these options."""


def verified_by(data: memoryview, facts: Facts, ask: Ask) -> str:
    """Return what shows that `data` is the object of `facts`: MD5, CHECKSUM, or NOTHING where the store offers neither.

    Raises:
        OtherBytes: `data` is not the object.
    """
    # The ETag costs no request; a store that is old and offers it never sees a question about checksums.
    judges: list[tuple[str, Callable[[], bool | None]]] = [
        (MD5, lambda: by_etag(data, facts)),
        (CHECKSUM, lambda: by_checksum(data, ask(ChecksumMode="ENABLED"))),
        (MD5, lambda: by_part_sizes(data, facts, lambda count: _part_sizes(count, ask))),
    ]
    for means, judge in judges:
        if (verdict := judge()) is False:
            raise OtherBytes(f"its bytes have another {means}")
        if verdict:
            return means
    return NOTHING


def md5(data: bytes | memoryview) -> bytes:
    """Return the MD5 of `data`, 16 bytes: no secret depends on it, it finds accidents."""
    return hashlib.md5(data, usedforsecurity=False).digest()


def multipart_etag(digests: Sequence[bytes]) -> str:
    """Return the ETag of an object uploaded in parts with these MD5s."""
    return f"{md5(b''.join(digests)).hex()}-{len(digests)}"


def by_etag(data: memoryview, facts: Facts) -> bool | None:
    """Tell whether `data` has the ETag in `facts`; None where that says nothing about it."""
    found = _ETAG.fullmatch(facts.get("ETag", ""))
    if found is None or not _etag_is_md5(facts):
        return None
    if not found[2]:
        return md5(data).hex() == found[1]
    sizes = _uniform_sizes(len(data), int(found[3]))
    return True if any(_etag_of_parts(data, size) == found[1] for size in sizes) else None


def by_part_sizes(data: memoryview, facts: Facts, part_sizes: Callable[[int], Sequence[int]]) -> bool | None:
    """Tell the same by the sizes of the parts, asked for by their number; None where the store does not say."""
    found = _ETAG.fullmatch(facts.get("ETag", ""))
    if found is None or not found[2] or not _etag_is_md5(facts):
        return None
    sizes = part_sizes(int(found[3]))
    if sum(sizes) != len(data) or len(sizes) != int(found[3]):
        return None
    ends = [sum(sizes[: index + 1]) for index in range(len(sizes))]
    digests = [md5(data[end - size : end]) for end, size in zip(ends, sizes, strict=True)]
    return multipart_etag(digests) == found[1]


def by_checksum(data: memoryview, facts: Facts) -> bool | None:
    """Tell whether `data` has the first checksum in `facts` that can be computed here; None where there is none."""
    if "-" in facts.get("ETag", "") and facts.get("ChecksumType") != "FULL_OBJECT":
        return None  # One over the checksums of its parts.
    for name, digest in _CHECKSUMS.items():
        value = str(facts.get(name, ""))
        if value:
            return base64.b64encode(digest(data)).decode() == value
    return None


def _part_sizes(count: int, ask: Ask) -> list[int]:
    found = (ask(PartNumber=number) for number in range(1, count + 1))
    known = takewhile(lambda part: part.get("PartsCount") == count, found)  # One that is not known ends the questions.
    return [part["ContentLength"] for part in known]


def _etag_is_md5(facts: Facts) -> bool:
    # AWS, "Checking object integrity": not where a key of KMS or of the caller encrypts, nor in directory buckets.
    encrypted = facts.get("ServerSideEncryption") not in (None, "AES256") or "SSECustomerAlgorithm" in facts
    return not encrypted and facts.get("StorageClass") != "EXPRESS_ONEZONE"


def _uniform_sizes(size: int, count: int) -> Iterable[int]:
    even = -(-size // (count * MEBIBYTE)) * MEBIBYTE
    return [part for part in {*USUAL_PART_SIZES, even, size} if part and -(-size // part) == count]


def _etag_of_parts(data: memoryview, part: int) -> str:
    return multipart_etag([md5(data[start : start + part]) for start in range(0, len(data), part)])
