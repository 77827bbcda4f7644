"""A node with GPUs that nobody runs: pods are bound to it and wait there."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pipeline.compilation import COMPILED_PIPELINE
from pipeline.compiled import load_pipeline
from pipeline.config import read_config
from tests.support.live_cluster import LiveCluster, Refused
from tests.support.manifests import MANIFESTS

LABEL = "pawline-test"


def gpu_profile(node: str) -> dict[str, Any]:
    """Return the parameters of a run whose train step wants a GPU, of the node called `node` alone."""
    declared = load_pipeline(COMPILED_PIPELINE).parameters
    return {**read_config(MANIFESTS / "gpu" / "nvidia.yaml", declared), "node_selector": {LABEL: node}}


def node_name() -> str:
    return f"pawline-test-{uuid.uuid4().hex[:8]}"


@contextmanager
def pretended_gpu_node(cluster: LiveCluster, name: str) -> Iterator[str]:
    """Have a node called `name` with two GPUs and the taint of GPU nodes; without the right to, the test is skipped."""
    capacity = {"cpu": "8", "memory": "32Gi", "pods": "110", "ephemeral-storage": "100Gi", "nvidia.com/gpu": "2"}
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, LABEL: name}},
        "spec": {"taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}]},
        "status": {"capacity": capacity, "allocatable": capacity, "conditions": [{"type": "Ready", "status": "True"}]},
    }
    try:
        cluster.create(node)
    except Refused as error:
        pytest.skip(f"needs the right to make a node: {error}")
    try:
        yield name
    finally:
        cluster.kubectl("delete", "node", name)
