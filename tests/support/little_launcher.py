"""What KFP's launcher does around a step's command, small: inputs come from the store, outputs go there after it.

`python little_launcher.py EXECUTOR_INPUT COMMAND...`, in the step's own image. A path is /s3/bucket/key, as KFP has it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

MOUNT = "/s3"
BEGINS = "the command begins"


def main(executor_input: str, *command: str) -> int:
    client = boto3.client("s3", config=Config(s3={"addressing_style": "path"}))
    places = json.loads(executor_input)
    for path in _artifacts(places["inputs"]):
        _download(client, path)
    for path in _outputs(places["outputs"]):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    print(f"{datetime.now():I%m%d %H:%M:%S.%f} 1 main.go:1] {BEGINS}", flush=True)  # As KFP's launcher begins a line.
    code = subprocess.run(command, check=False).returncode  # The command is the step's.
    for path in _outputs(places["outputs"]) if code == 0 else ():
        _upload(client, Path(path))
    return code if code >= 0 else 128 - code  # As a shell says which signal ended it.


def _artifacts(places: dict[str, Any]) -> Iterator[str]:
    for listed in places.get("artifacts", {}).values():
        yield listed["artifacts"][0]["uri"]


def _outputs(places: dict[str, Any]) -> Iterator[str]:
    yield from _artifacts(places)
    yield places["outputFile"]
    for parameter in places["parameters"].values():
        yield parameter["outputFile"]


def _download(client: Any, path: str) -> None:
    bucket, key = _place(path)
    for found in client.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", []):
        if found["Key"] == key or found["Key"].startswith(f"{key}/"):
            target = Path(MOUNT, bucket, found["Key"])
            target.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(bucket, found["Key"], str(target))


def _upload(client: Any, path: Path) -> None:
    for file in [path, *path.rglob("*")]:
        if file.is_file():
            client.upload_file(str(file), *_place(str(file)))


def _place(path: str) -> tuple[str, str]:
    bucket, _, key = path.removeprefix(f"{MOUNT}/").partition("/")
    return bucket, key


if __name__ == "__main__":
    os.umask(0o002)
    sys.exit(main(*sys.argv[1:]))
