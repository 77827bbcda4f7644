"""What benchmarks.extract times, each in its own process: `python -m benchmarks.extract_parts PART FOLDER`."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial, wraps
from pathlib import Path
from typing import Any

from benchmarks.measure import peak_mib, timed

BUCKET, PREFIX = "benchmark", "images"
IMAGES = f"s3://{BUCKET}/{PREFIX}"

Seconds = dict[str, float]


def course(folder: Path) -> Seconds:
    """Time the course's way; as in the others, the client is made beforehand."""
    import boto3

    from benchmarks.course import fetch_images

    fetch = partial(fetch_images, boto3.client("s3"), folder / "annotations.json", BUCKET, PREFIX)
    with tempfile.TemporaryDirectory() as target:
        return measured(lambda: fetch(Path(target)))


def read(_: Path) -> Seconds:
    """Time what extract does for the same: list, read in parallel, verify, hash; `list` is the listing's share."""
    from components.extract.image_reading import CONCURRENT_READS
    from components.step.parallel import each_in_parallel
    from components.storage.s3 import S3Store

    ready = S3Store(IMAGES)
    for found in list(ready.list())[:2]:  # The first by boto3, the second by the quick client.
        assert ready.read(found.name, found)
    store, listing = S3Store(IMAGES), []

    def read_one(found: Any) -> str:
        return hashlib.sha256(store.read(found.name, found)).hexdigest()

    def read_all() -> None:
        for _ in each_in_parallel(read_one, listing, CONCURRENT_READS):
            pass

    listed, done = measured(lambda: listing.extend(store.list())), measured(read_all)
    assert store.means() == {"MD5": len(listing)}
    return {name: listed[name] + done[name] for name in done} | {"list": listed["seconds"]}


def obstore(_: Path) -> Seconds:
    """Time the bare client in Rust: list, read in as many threads, look at nothing."""
    return _by_obstore(lambda data, etag: None)


def obstore_verified(_: Path) -> Seconds:
    """Time the same with what extract does to the bytes: the MD5 of the ETag and a sha256."""

    def look(data: bytes, etag: str) -> None:
        assert hashlib.md5(data, usedforsecurity=False).hexdigest() == etag.strip('"')
        hashlib.sha256(data).hexdigest()

    return _by_obstore(look)


def _by_obstore(look: Callable[[bytes, str], None]) -> Seconds:
    import obstore
    from obstore.store import S3Store

    from components.extract.image_reading import CONCURRENT_READS

    endpoint = os.environ["AWS_ENDPOINT_URL_S3"]
    store = S3Store(
        BUCKET, prefix=PREFIX, config={"aws_endpoint_url_s3": endpoint}, client_options={"allow_http": True}
    )

    def fetch(path: str) -> None:
        found = obstore.get(store, path)
        look(found.bytes().to_bytes(), found.meta["e_tag"])

    def work() -> None:
        paths = [found["path"] for page in obstore.list(store) for found in page]
        with ThreadPoolExecutor(CONCURRENT_READS) as pool:
            list(pool.map(fetch, paths))

    fetch(obstore.list(store).collect()[0]["path"])
    return measured(work)


def s5cmd(_: Path) -> Seconds:
    """Time s5cmd, which writes files."""
    return _by_command("s5cmd", "--numworkers", "32", "cp", f"{IMAGES}/*")


def aws(_: Path) -> Seconds:
    """Time `aws s3 cp`, which writes files."""
    return _by_command("aws", "s3", "cp", "--recursive", "--quiet", IMAGES)


def _by_command(*words: str) -> Seconds:
    keys = {"S3_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL_S3"], "AWS_REGION": "us-east-1"}
    with tempfile.TemporaryDirectory() as target:
        command = partial(subprocess.run, [*words, f"{target}/"], check=True, stdout=sys.stderr, env=os.environ | keys)
        return measured(command)


def whole(folder: Path) -> Seconds:
    """Time all of extract, with the dataset in S3 too, and its stages; what begins with `cpu` is over all threads."""
    import components.extract.step as step
    from components.extract import image_reading
    from components.storage.s3 import S3Store

    clock = Clock()
    for owner, name, stage in (
        (step, "read_annotations", "parse"),
        (step, "_read", "read, verify and write parts"),
        (step, "write_dataset", "write the dataset"),
        (step, "write_data_report", "report"),
    ):
        clock.watch(owner, name, stage)
    clock.watch(S3Store, "read", "cpu of S3", time.thread_time)
    clock.watch(image_reading, "decoded", "cpu of decoding", time.thread_time)
    _watch_listing(clock, S3Store)
    with tempfile.TemporaryDirectory() as out:
        outputs = {"samples_path": Path(out) / "samples.csv", "report_path": Path(out) / "report.html"}
        places = (str(folder / "annotations.json"), IMAGES, f"s3://{BUCKET}/{uuid.uuid4()}")
        seconds = timed(lambda: step.extract(*places, **outputs))
    return {"seconds": seconds, **clock.stages, "cpu of hashing": _hashing(folder)}


class Clock:
    """Adds up the time spent in functions that it wraps."""

    def __init__(self) -> None:
        self.stages: Seconds = {}

    def watch(self, owner: Any, name: str, stage: str, clock: Callable[[], float] = time.perf_counter) -> None:
        """Replace `owner.name` by itself with its time added to `stage`."""
        work = getattr(owner, name)

        @wraps(work)
        def watched(*arguments: Any, **named: Any) -> Any:
            started = clock()
            try:
                return work(*arguments, **named)
            finally:
                self.stages[stage] = self.stages.get(stage, 0.0) + clock() - started

        setattr(owner, name, watched)


def _watch_listing(clock: Clock, store: Any) -> None:
    original = store.list
    store.list = lambda self, *told: list(original(self, *told))  # A generator's time passes in whoever takes from it.
    clock.watch(store, "list", "list")


def _hashing(folder: Path) -> float:
    images = list(_files(folder))
    return timed(lambda: [hashlib.sha256(image).hexdigest() for image in images])


def _files(folder: Path) -> Iterator[bytes]:
    return (path.read_bytes() for path in (folder / "images").iterdir())


def measured(work: Callable[[], object]) -> Seconds:
    """Return wall time and processor time of `work`, that of processes it has waited for included."""
    before = os.times()
    seconds = timed(work)
    after = os.times()
    return {"seconds": seconds, "processor": sum(after[:4]) - sum(before[:4])}


READERS: dict[str, Callable[[Path], Seconds]] = {
    "course": course,
    "read": read,
    "obstore": obstore,
    "obstore-verified": obstore_verified,
    "s5cmd": s5cmd,
    "aws": aws,
}
PARTS = READERS | {"whole": whole}


def at_hand() -> list[str]:
    """Return the parts that can be measured here: not those of commands that are not installed."""
    return [name for name in PARTS if name not in ("s5cmd", "aws") or shutil.which(name)]


if __name__ == "__main__":
    print(json.dumps(PARTS[sys.argv[1]](Path(sys.argv[2])) | {"peak": peak_mib()}))
