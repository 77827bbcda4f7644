"""Reading images from S3: extract against the course's sequential downloads, and where extract's time goes.

Images: the reference task's where PAWLINE_TEST_DATA names the folder that holds it, else as many generated ones.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.extract_parts import BUCKET, PARTS, PREFIX
from benchmarks.measure import in_process, machine, publish, spread, table
from benchmarks.servers import delaying_proxy, environment, s3_server

GENERATED_IMAGES = 192
DELAY_SECONDS = 0.020
TARGETS = {"loopback": 2.5, "20 ms a request": 10.0}
STAGES = ("list", "parse", "read and verify", "write", "report")
PROCESSOR = ("cpu of S3", "cpu of decoding", "cpu of hashing")

# For each network and part, one measurement a repeat.
Found = Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the tables; return 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.extract", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="how often each is measured, in turn")
    parser.add_argument("--update", action="store_true", help="put the tables into docs/performance.md")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name, s3_server() as port, delaying_proxy(port, DELAY_SECONDS) as slow:
        description = _fill(Path(name), port)
        ports = dict(zip(TARGETS, (port, slow), strict=True))
        found = {network: _measured(Path(name), ports[network], arguments.repeats) for network in TARGETS}
    publish("extract", _page(found, description, arguments.repeats), arguments.update)
    return 0 if all(statistics.median(_ratios(found[network])) >= target for network, target in TARGETS.items()) else 1


def _fill(folder: Path, port: int) -> str:
    """Put the images into S3 and their annotations into `folder`; return what they are."""
    import boto3

    os.environ.update(environment(port))
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    (folder / "images").mkdir()
    annotations, size = [], 0
    for name, label, data in _images():
        client.put_object(Bucket=BUCKET, Key=f"{PREFIX}/{name}", Body=data)
        (folder / "images" / name).write_bytes(data)
        annotations.append({"fileName": name, "annotation": {"label": label}})
        size += len(data)
    (folder / "annotations.json").write_text(json.dumps(annotations))
    kind = "images of cats-dogs-other" if _real_data() else "generated images"
    return f"{len(annotations)} {kind}, {size / 1e6:.1f} MB"


def _images() -> Iterator[tuple[str, str, bytes]]:
    if task := _real_data():
        export = json.loads((task / "cats_dogs_others-annotations.json").read_text(encoding="utf-8-sig"))
        for item in export["annotations"]:
            name = item["fileName"]
            yield name, item["annotation"]["label"], (task / "images" / name).read_bytes()
        return
    from tests.support.generated import LABELS, image_bytes

    for index in range(GENERATED_IMAGES):
        yield f"{index}.png", LABELS[index % len(LABELS)], image_bytes(index, (320, 250))


def _real_data() -> Path | None:
    task = Path(os.environ.get("PAWLINE_TEST_DATA", "/nowhere")) / "cats-dogs-other"
    return task if task.is_dir() else None


def _measured(folder: Path, port: int, repeats: int) -> dict[str, list[dict[str, float]]]:
    """Measure every part in turn, `repeats` times, so that a busy minute of the machine falls on all of them."""
    found: dict[str, list[dict[str, float]]] = {part: [] for part in PARTS}
    for _ in range(repeats):
        for part in PARTS:
            measured = in_process("benchmarks.extract_parts", part, str(folder), environment=environment(port))
            found[part].append(measured)
            print(f"port {port}: {part} {measured['seconds']:.2f} s", file=sys.stderr, flush=True)
    return found


def _ratios(of_network: Mapping[str, Sequence[Mapping[str, float]]]) -> list[float]:
    """Return the course's time over ours, of each repeat: what was measured together had the same machine."""
    pairs = zip(of_network["course"], of_network["read"], strict=True)
    return [course["seconds"] / read["seconds"] for course, read in pairs]


def _median(measured: Sequence[Mapping[str, float]], name: str) -> float:
    return statistics.median(one[name] for one in measured)


def _page(found: Found, description: str, repeats: int) -> str:
    header = ["", "the course's downloads, s", "reading as extract does, s", "of it the listing, s", "ratio", "target"]
    header.append("all of extract, s")
    speeds = [
        [
            network,
            *(spread([one["seconds"] for one in parts[part]]) for part in ("course", "read")),
            f"{_median(parts['read'], 'list'):.2f}",
            spread(_ratios(parts), 1),
            f"{TARGETS[network]:.1f}",
            spread([one["seconds"] for one in parts["whole"]]),
        ]
        for network, parts in found.items()
    ]
    stages = [
        [stage, *(f"{_median(parts['whole'], stage):.2f}" for parts in found.values())] for stage in STAGES + PROCESSOR
    ]
    peaks = [
        [part, *(f"{_median(parts[part], 'peak'):.0f}" for parts in found.values())]
        for part in ("course", "read", "whole")
    ]
    return "\n\n".join(
        [
            f"`python -m benchmarks.extract` on {machine()} {description}; median of {repeats} (smallest to largest); "
            "moto's S3 server and the delaying proxy each run in their own process on the same machine.",
            table(header, speeds),
            "Where the time of all of extract goes: seconds of wall time for each stage (reading and verifying at the "
            "same time), then of processor time over all threads.",
            table(["", *found], stages),
            "Peak memory of the process, MiB.",
            table(["", *found], peaks),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
