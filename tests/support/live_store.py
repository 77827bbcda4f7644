"""An S3 store that pods and this machine reach: one that the environment names, or a small server on this machine."""

import logging
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.live_cluster import Document

REGION = "us-east-1"


@dataclass(frozen=True)
class LiveStore:
    """A place of a test's own, `uri`; `keys` are what a data connection holds, `client` is boto3's."""

    uri: str
    keys: Mapping[str, str]
    client: Any

    @property
    def bucket(self) -> str:
        return self.uri.split("/")[2]

    def key(self, path: str) -> str:
        """Return the key of what lies at `path` below the place."""
        return f"{self.uri.split('/', 3)[3]}/{path}"

    def put_folder(self, path: str, folder: Path) -> str:
        """Store the files of `folder` below `path`; return their URI."""
        for file in (file for file in folder.rglob("*") if file.is_file()):
            self.client.upload_file(str(file), self.bucket, self.key(f"{path}/{file.relative_to(folder)}"))
        return f"{self.uri}/{path}"

    def read(self, path: str) -> bytes:
        return self.client.get_object(Bucket=self.bucket, Key=self.key(path))["Body"].read()

    def listed(self, path: str) -> list[str]:
        """Return the names of what lies below `path`."""
        start = self.key(f"{path}/")
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=start)
        return [found["Key"].removeprefix(start) for page in pages for found in page.get("Contents", [])]

    def secret(self, name: str = "pawline-s3") -> Document:
        """Return the secret that steps and servers take their keys from."""
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": dict(self.keys)}


def named_store(uri: str) -> LiveStore:
    """Return a fresh place below `uri` with the keys of the environment."""
    import boto3

    names = {"AWS_S3_ENDPOINT": "AWS_ENDPOINT_URL_S3"}
    wanted = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_S3_ENDPOINT")
    keys = {name: value for name in wanted if (value := os.environ.get(names.get(name, name)))}
    return LiveStore(f"{uri.rstrip('/')}/{uuid.uuid4().hex[:12]}", keys, boto3.client("s3"))


@contextmanager
def store_here(address: str) -> Iterator[LiveStore]:
    """Yield a place in a store that listens at `address` until the context ends."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address=address, port=0, verbose=False)
    server.start()
    endpoint = f"http://{address}:{server.get_host_and_port()[1]}"
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
    )
    client.create_bucket(Bucket="pawline")
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
    yield LiveStore("s3://pawline/tests", {**keys, "AWS_S3_ENDPOINT": endpoint}, client)
    server.stop()
