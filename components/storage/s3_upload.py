"""Uploads whose parts each carry their MD5, which every S3 store checks, however old."""

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.step.parallel import in_order
from components.storage.verification import md5, multipart_etag

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedMultipartUploadTypeDef, CompletedPartTypeDef

PART_BYTES = 8 << 20
CONCURRENT_PARTS = 8
MOST_PARTS = 10_000  # Of S3.


def put(client: "S3Client", where: Mapping[str, Any], path: Path) -> bool:
    """Store the file at `path` as the object `where` (Bucket, Key); tell whether the store says that it has its bytes.

    Many stores say so by the ETag; those that encrypt with keys of their own do not.

    Raises:
        ClientError: the store refused, for instance a body that is not of its MD5 (BadDigest).
    """
    if path.stat().st_size > PART_BYTES:
        return _put_parts(client, where, path)
    data = path.read_bytes()
    digest = md5(data)
    found = client.put_object(**where, Body=data, ContentMD5=_base64(digest))
    return found["ETag"].strip('"') == digest.hex()


def _put_parts(client: "S3Client", where: Mapping[str, Any], path: Path) -> bool:
    upload = client.create_multipart_upload(**where)["UploadId"]

    def send(numbered: tuple[int, bytes]) -> "tuple[bytes, CompletedPartTypeDef]":
        number, data = numbered
        digest = md5(data)
        sent = client.upload_part(**where, UploadId=upload, PartNumber=number, Body=data, ContentMD5=_base64(digest))
        return digest, {"ETag": sent["ETag"], "PartNumber": number}

    try:
        sent = list(in_order(send, _parts(path), CONCURRENT_PARTS, CONCURRENT_PARTS))
        whole: CompletedMultipartUploadTypeDef = {"Parts": [part for _, part in sent]}
        found = client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload=whole)
    except BaseException:
        client.abort_multipart_upload(**where, UploadId=upload)
        raise
    return found["ETag"].strip('"') == multipart_etag([digest for digest, _ in sent])


def _parts(path: Path) -> Iterator[tuple[int, bytes]]:
    size = max(PART_BYTES, -(-path.stat().st_size // MOST_PARTS))
    with path.open("rb") as file:
        yield from enumerate(iter(lambda: file.read(size), b""), start=1)


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
