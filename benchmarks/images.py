"""The step image beside the train image, on a real cluster: their sizes, and how soon each step says something.

`python -m benchmarks.images` wants KUBECONFIG and the variables of tests/cluster/conftest.py; `--update` puts the table
into docs/performance.md.
"""

import argparse
import os
import sys
import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import machine, publish, spread, table
from pipeline.compilation import compile_pipeline
from pipeline.destination import Destination
from tests.support.little_launcher import BEGINS
from tests.support.live_cluster import ANY_USER, Document, LiveCluster, fresh_namespace
from tests.support.live_sample import put_sample
from tests.support.live_store import LiveStore, store_here
from tests.support.mlflow_server import mlflow_at
from tests.support.step_pods import StepPods

LIGHT, ALL = ("extract", "split", "promote"), ("extract", "split", "train", "test", "promote")
IMAGES = {"step": "PAWLINE_TEST_STEP_IMAGE", "train": "PAWLINE_TEST_TRAIN_IMAGE"}
FILES = "tar -C / -cf - --one-file-system . 2>/dev/null"  # As in a layer; what a user may not read is a few kB.
MEGABYTE = 1e6


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="how often each step is started (3)")
    parser.add_argument("--update", action="store_true", help="write the table to docs/performance.md")
    options = parser.parse_args(arguments)
    images = {name: os.environ[variable] for name, variable in IMAGES.items()}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        store = stack.enter_context(store_here(os.environ["PAWLINE_TEST_ADDRESS"]))
        mlflow = stack.enter_context(mlflow_at(os.environ["PAWLINE_TEST_ADDRESS"], folder))
        cluster = stack.enter_context(fresh_namespace())
        cluster.create(store.secret())
        sizes = {name: _size(cluster, name, image) for name, image in images.items()}
        starts = _starts(cluster, store, folder, mlflow, images, options.runs)
    publish("images", _text(sizes, starts, options.runs), options.update)
    return 0


def _size(cluster: LiveCluster, name: str, image: str) -> tuple[float, float]:
    """Return the MB of the files of `image`, as they are and compressed as a registry keeps them."""
    code = f"{FILES} | wc -c; {FILES} | gzip -6 | wc -c"
    cluster.create(_pod(f"size-{name}", image, ["sh", "-c", code]))
    assert cluster.ended(f"size-{name}")["status"]["phase"] == "Succeeded"
    plain, compressed = cluster.log(f"size-{name}").split()
    return int(plain) / MEGABYTE, int(compressed) / MEGABYTE


def _pod(name: str, image: str, command: list[str]) -> Document:
    context = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = {"name": "main", "image": image, "command": command, "securityContext": context}
    user = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, **ANY_USER}
    spec = {"restartPolicy": "Never", "securityContext": user, "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def _starts(
    cluster: LiveCluster, store: LiveStore, folder: Path, mlflow: str, images: dict[str, str], runs: int
) -> dict[tuple[str, str], list[float]]:
    """Return the seconds from a step's command to its first line, by image and step, for each of `runs`."""
    given = put_sample(store, folder)
    found: dict[tuple[str, str], list[float]] = {}
    for number in range(runs):
        for name, steps in (("train", ALL), ("step", LIGHT)):
            path = folder / f"{name}.yaml"
            compile_pipeline(path, Destination(image=images[name], train_image=images["train"], mlflow=mlflow))
            pods = StepPods(path, store, str(uuid.uuid4()), {**given, "seed": number})
            if name == "train":
                of_train = pods
                cluster.kubectl("delete", "configmap", "launcher", "--ignore-not-found")
                cluster.create(pods.launcher)
            pods = replace(pods, states=of_train.states)
            for step in steps:
                pods.run(step, cluster)
                found.setdefault((name, step), []).append(_seconds_to_first_line(cluster, pods.name(step)))
    return found


def _seconds_to_first_line(cluster: LiveCluster, pod: str) -> float:
    begins, first = cluster.log(pod, "--timestamps").splitlines()[:2]
    assert BEGINS in begins
    return (_at(first) - _at(begins)).total_seconds()


def _at(line: str) -> datetime:
    return datetime.fromisoformat(line.split()[0][:26].rstrip("Z") + "+00:00")


def _text(sizes: dict[str, tuple[float, float]], starts: dict[tuple[str, str], list[float]], runs: int) -> str:
    rows = [["MB of files", *(f"{sizes[name][0]:,.0f}" for name in IMAGES)]]
    rows += [["MB compressed, as pulled", *(f"{sizes[name][1]:,.0f}" for name in IMAGES)]]
    for step in ALL:
        seconds = [starts.get((name, step)) for name in IMAGES]
        rows.append([f"{step}, s to its first line", *(spread(found) if found else "" for found in seconds)])
    head = f"`python -m benchmarks.images` on {machine()} Start: median of {runs} (smallest to largest)."
    return f"{head}\n\n{table(['', 'step image', 'train image'], rows)}"


if __name__ == "__main__":
    sys.exit(main())
