"""extract and the feature pass by one process, and by a Ray cluster of 1, 2 and 4 nodes on this machine.

Results must be the same bytes. On a machine of few cores there is no gain to see, but what the cluster costs.
`python -m benchmarks.engines measure NODES FOLDER` is the process that is measured; 0 nodes stand for engine=local.
"""

import argparse
import hashlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import in_process, machine, publish, spread, table

if TYPE_CHECKING:
    from components.engine.ray_cluster import RayCluster

NODES = (0, 1, 2, 4)
IMAGES, SIDES, BACKBONE, CHUNKS, UNITS = 480, (320, 250), "efficientnet_lite0", 24, 15
TICKS = os.sysconf("SC_CLK_TCK")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table; return 1 where results differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engines", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="how often each is measured, in turn")
    parser.add_argument("--update", action="store_true", help="put the table into docs/performance.md")
    arguments = parser.parse_args(argv)
    found: dict[int, list[dict[str, float]]] = {nodes: [] for nodes in NODES}
    with tempfile.TemporaryDirectory() as folder:
        _write_images(Path(folder) / "images")
        for _ in range(arguments.repeats):
            for nodes in NODES:
                found[nodes].append(in_process("benchmarks.engines", "measure", str(nodes), folder))
    results = {(run["dataset"], run["features"]) for runs in found.values() for run in runs}
    publish("engines", _page(found, len(results) == 1, arguments.repeats), arguments.update)
    return 0 if len(results) == 1 else 1


def _page(found: dict[int, list[dict[str, float]]], same: bool, repeats: int) -> str:
    columns = ("start", "extract", "feature pass", "processor")
    rows = []
    for nodes, runs in found.items():
        name = f"Ray, {nodes} node{'s' * (nodes > 1)}" if nodes else "local"
        over = statistics.median(run["processor"] for run in runs) - statistics.median(
            run["processor"] for run in found[0]
        )
        rows.append([name, *(spread([run[column] for run in runs], 1) for column in columns), f"{over:.1f}"])
    header = ["seconds", "start of the cluster", "extract", "feature pass", "processor time of all", "more than local"]
    return (
        f"`python -m benchmarks.engines` on {machine()} {IMAGES} images of {SIDES[0]} x {SIDES[1]} pixels from a "
        f"folder, in {CHUNKS} chunks or so and {UNITS} units of features ({BACKBONE}); nodes of one core each, so "
        f"that more than {os.cpu_count()} only share it; median of {repeats} (smallest to largest).\n\n"
        f"{table(header, rows)}\n\n"
        f"Every file of the dataset and every bit of the features: "
        f"{'the same in all runs' if same else 'NOT THE SAME'}."
    )


def _write_images(folder: Path) -> None:
    from tests.support.generated import image_bytes, write_files

    write_files(folder, {f"{'ab'[seed % 2]}/{seed:04}.png": image_bytes(seed, SIDES) for seed in range(IMAGES)})


def measure(nodes: int, folder: Path) -> dict[str, float | str]:
    """Return seconds by part, processor seconds of this process and the cluster's, and digests of what was made."""
    from components.extract import chunks
    from components.features import by_cluster

    images = sum(path.stat().st_size for path in (folder / "images").rglob("*.png"))
    chunks.USUAL_BYTES, by_cluster.AT_ONCE = images // CHUNKS, IMAGES // UNITS
    network = _network()
    before, clock = time.process_time(), time.perf_counter()
    with _cluster(nodes) as cluster, tempfile.TemporaryDirectory() as out:
        found: dict[str, float | str] = {"start": time.perf_counter() - clock}
        found |= _work(network, folder, Path(out), cluster)
        found["processor"] = time.process_time() - before + (_descendants_seconds(os.getpid()) if nodes else 0)
    return found


def _work(network: object, folder: Path, out: Path, cluster: "RayCluster | None") -> dict[str, float | str]:
    from components.dataset.snapshot import open_dataset
    from components.extract.step import extract
    from components.features.extraction import extract_features

    images, clock = str(folder / "images"), time.perf_counter()
    paths = {"samples_path": out / "samples.csv", "report_path": out / "report.html"}
    dataset = open_dataset(extract(images, images, str(out / "store"), **paths, cluster=cluster).dataset_uri)
    extracted = time.perf_counter()
    features, _ = extract_features(network, dataset, dataset.samples(), cluster=cluster)
    files = sorted(path for path in (out / "store").rglob("*") if path.is_file())
    digest = hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in files))
    return {
        "extract": extracted - clock,
        "feature pass": time.perf_counter() - extracted,
        "dataset": digest.hexdigest(),
        "features": hashlib.sha256(features.tobytes()).hexdigest(),
    }


def _network() -> object:
    from components.backbones.by_name import build_feature_extractor, find_backbone

    return build_feature_extractor(find_backbone(BACKBONE), 224, "imagenet")


@contextmanager
def _cluster(nodes: int) -> "Iterator[RayCluster | None]":
    if not nodes:
        yield None
        return
    from components.engine.connection import connected
    from tests.support.ray_nodes import ray_nodes

    with ray_nodes(os.environ, count=nodes) as running, connected(running.address) as cluster:
        yield cluster


def _descendants_seconds(process: int) -> float:
    """Return the processor seconds of all processes below `process`, ended ones that were waited for included."""
    own: dict[int, float] = {}
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # Ended meanwhile.
            continue
        # Source: proc_pid_stat(5): field 4 is the parent, 14 to 17 the times of the process and its children.
        number = int(path.parent.name)
        parents[number], own[number] = int(fields[1]), sum(map(int, fields[11:15])) / TICKS
    below = {process}
    while more := {child for child, parent in parents.items() if parent in below} - below:
        below |= more
    return sum(own[child] for child in below - {process})


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        print(json.dumps(measure(int(sys.argv[2]), Path(sys.argv[3]))))
    else:
        sys.exit(main())
