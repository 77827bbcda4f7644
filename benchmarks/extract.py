"""Reading images from S3: extract against the course's downloads and quick clients, and where extract's time goes.

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

from benchmarks.extract_parts import BUCKET, PREFIX, READERS, at_hand
from benchmarks.measure import in_process, machine, publish, spread, table
from benchmarks.servers import environment, s3_from_memory

GENERATED_IMAGES = 192
DELAY_SECONDS = 0.020
TARGETS = {"loopback": 2.5, "20 ms a request": 10.0}  # Over the course.
MOST_OVER_FASTEST = 1.25  # Of the clients that do the same to the bytes, or less and write files.
NAMES = {
    "course": "the course's downloads",
    "read": "reading as extract does",
    "obstore": "obstore, bytes not looked at",
    "obstore-verified": "obstore, MD5 and sha256 as extract",
    "s5cmd": "s5cmd cp",
    "aws": "aws s3 cp",
}
STAGES = ("list", "parse", "read, verify and write parts", "write the dataset", "report")
PROCESSOR = ("cpu of S3", "cpu of decoding", "cpu of hashing")

# For each network and part, one measurement a repeat.
Found = Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the tables; return 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.extract", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="how often each is measured, in turn")
    parser.add_argument("--update", action="store_true", help="put the tables into docs/performance.md")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name, s3_from_memory() as port, s3_from_memory(DELAY_SECONDS) as slow:
        ports = dict(zip(TARGETS, (port, slow), strict=True))
        for each in ports.values():
            description = _fill(Path(name), each)
        found = {network: _measured(Path(name), each, arguments.repeats) for network, each in ports.items()}
    publish("extract", _page(found, description, arguments.repeats), arguments.update)
    held = (_over(parts, "course") >= TARGETS[network] for network, parts in found.items())
    return 0 if all(held) and all(_over_fastest(parts) <= MOST_OVER_FASTEST for parts in found.values()) else 1


def _fill(folder: Path, port: int) -> str:
    """Put the images into S3 and their annotations into `folder`; return what they are."""
    import boto3

    os.environ.update(environment(port))
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    (folder / "images").mkdir(exist_ok=True)
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
    found: dict[str, list[dict[str, float]]] = {part: [] for part in at_hand()}
    for _ in range(repeats):
        for part in found:
            measured = in_process("benchmarks.extract_parts", part, str(folder), environment=environment(port))
            found[part].append(measured)
            print(f"port {port}: {part} {measured['seconds']:.2f} s", file=sys.stderr, flush=True)
    return found


def _over(parts: Mapping[str, Sequence[Mapping[str, float]]], part: str, name: str = "seconds") -> float:
    """Return the median of what `part` takes over what ours takes, repeat by repeat: what was measured together."""
    pairs = zip(parts[part], parts["read"], strict=True)
    return statistics.median(other[name] / ours[name] for other, ours in pairs)


def _over_fastest(parts: Mapping[str, Sequence[Mapping[str, float]]]) -> float:
    peers = [part for part in ("obstore-verified", "s5cmd", "aws") if part in parts]
    return max(1 / _over(parts, part) for part in peers)


def _median(measured: Sequence[Mapping[str, float]], name: str) -> float:
    return statistics.median(one[name] for one in measured)


def _page(found: Found, description: str, repeats: int) -> str:
    header = ["", *(f"{network}, {kind}" for network in found for kind in ("s", "processor s", "over ours"))]
    speeds = [
        [NAMES[part], *(cell for parts in found.values() for cell in _cells(parts, part))]
        for part in READERS
        if all(part in parts for parts in found.values())
    ]
    targets = [
        ["the course over ours", *(f"{_over(parts, 'course'):.1f}" for parts in found.values())],
        ["wanted at least", *(f"{TARGETS[network]:.1f}" for network in found)],
        ["ours over the fastest that verifies or writes files", *(f"{_over_fastest(p):.2f}" for p in found.values())],
        ["wanted at most", *(f"{MOST_OVER_FASTEST:.2f}" for _ in found)],
        ["of ours the listing, s", *(f"{_median(parts['read'], 'list'):.2f}" for parts in found.values())],
        ["all of extract, s", *(spread([one["seconds"] for one in parts["whole"]]) for parts in found.values())],
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
            "a server that answers from memory runs in a process of its own on the same machine and waits the 20 ms "
            "itself, so that the delay costs all alike.",
            table(header, speeds),
            table(["", *found], targets),
            "Where the time of all of extract goes: seconds of wall time for each stage, then of processor time over "
            "all threads.",
            table(["", *found], stages),
            "Peak memory of the process, MiB.",
            table(["", *found], peaks),
        ]
    )


def _cells(parts: Mapping[str, Sequence[Mapping[str, float]]], part: str) -> list[str]:
    times = [spread([one[name] for one in parts[part]]) for name in ("seconds", "processor")]
    return [*times, f"{_over(parts, part):.2f}"]


if __name__ == "__main__":
    sys.exit(main())
