"""What benchmarks.extract times, each in its own process: `python -m benchmarks.extract_parts PART FOLDER`."""

import hashlib
import json
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial, wraps
from pathlib import Path
from typing import Any

from benchmarks.measure import peak_mib, timed

BUCKET, PREFIX = "benchmark", "images"
IMAGES = f"s3://{BUCKET}/{PREFIX}"

Seconds = dict[str, float]


def course(folder: Path) -> Seconds:
    """Time the course's way; as in `read`, the client is made beforehand."""
    import boto3

    from benchmarks.course import fetch_images

    fetch = partial(fetch_images, boto3.client("s3"), folder / "annotations.json", BUCKET, PREFIX)
    with tempfile.TemporaryDirectory() as target:
        return {"seconds": timed(lambda: fetch(Path(target)))}


def read(_: Path) -> Seconds:
    """Time what extract does for the same: list, read in parallel, keep on disk; `list` is the listing's share."""
    from components.extract.image_reading import CONCURRENT_READS, open_spool
    from components.step.parallel import each_in_parallel
    from components.storage.s3 import S3Store, s3_client

    s3_client()
    store, listing = S3Store(IMAGES), []

    def read_all() -> None:
        with open_spool() as spool:
            for _, data in each_in_parallel(lambda f: store.read(f.name, f), listing, CONCURRENT_READS):
                spool.add(data)

    listed = timed(lambda: listing.extend(store.list()))
    return {"seconds": listed + timed(read_all), "list": listed}


def whole(folder: Path) -> Seconds:
    """Time all of extract, with the dataset in S3 too, and its stages; what begins with `cpu` is over all threads."""
    import components.extract.step as step
    from components.extract import image_reading as spool
    from components.storage.s3 import S3Store
    from components.storage.s3_objects import S3Objects

    clock = Clock()
    for owner, name, stage in (
        (step, "read_annotations", "parse"),
        (step, "read_images", "read and verify"),
        (step, "_write", "write"),
        (step, "write_data_report", "report"),
    ):
        clock.watch(owner, name, stage)
    clock.watch(S3Objects, "get", "cpu of S3", time.thread_time)
    clock.watch(spool, "decode_image", "cpu of decoding", time.thread_time)
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


PARTS: dict[str, Callable[[Path], Seconds]] = {"course": course, "read": read, "whole": whole}

if __name__ == "__main__":
    measured = PARTS[sys.argv[1]](Path(sys.argv[2]))
    print(json.dumps(measured | {"peak": peak_mib()}))
