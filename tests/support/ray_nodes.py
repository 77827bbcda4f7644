"""A real Ray cluster of several nodes on this machine: what a test needs of one, and nothing that outlives it."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from components.step.own_processes import own_environment

STORE_BYTES = 80_000_000  # The least that Ray takes is 75 MB.
# A killed node is noticed within two seconds, where Ray takes up to twenty.
NOTICE = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500, "health_check_failure_threshold": 3}


# Ray gives a node half a minute to start, which a busy machine may need for one.
ATTEMPTS = 5


@dataclass(frozen=True)
class RayNodes:
    """The nodes: `address` is what a process on one of them connects to, `client` what any other does, if asked for."""

    cluster: Any
    address: str
    client: str

    def add(self) -> Any:
        """Add a node of one core; return it, for `kill`."""
        return started(lambda: self.cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES))

    def kill(self, node: Any) -> None:
        """Kill every process of `node` at once."""
        self.cluster.remove_node(node, allow_graceful=False)


def started(start: Callable[[], Any]) -> Any:
    for _ in range(ATTEMPTS - 1):
        try:
            return start()
        except Exception as error:
            if "timed out during startup" not in str(error):
                raise
    return start()


@contextmanager
def ray_nodes(
    environment: Mapping[str, str],
    config: Mapping[str, object] | None = None,
    client_port: int | None = None,
    count: int = 2,
) -> Iterator[RayNodes]:
    """Yield a cluster of `count` nodes of one core, the first of them its head; all have `environment`.

    `config` are settings of Ray's own processes; with a `client_port` Ray Client answers there.
    """
    from ray.cluster_utils import Cluster

    # Short, as sockets lie in it whose paths may have a hundred characters.
    folder = tempfile.mkdtemp(prefix="ray-")
    head = {"num_cpus": 1, "object_store_memory": STORE_BYTES, "include_dashboard": False, "temp_dir": folder}
    if client_port:
        head["ray_client_server_port"] = client_port
    with pytest.MonkeyPatch.context() as patch:
        for name, value in own_environment(environment).items():
            patch.setenv(name, value)
        head["_system_config"] = {**NOTICE, **(config or {})}
        made = started(lambda: Cluster(initialize_head=True, head_node_args=head))
        nodes = RayNodes(made, made.address, f"ray://127.0.0.1:{client_port}")
        try:
            for _ in range(count - 1):
                nodes.add()
            yield nodes
        finally:
            made.shutdown()
            shutil.rmtree(folder, ignore_errors=True)


def s3_variables(port: int) -> dict[str, str]:
    """Return what a node's environment has beside this process's, for the tests' S3 server at `port`."""
    return {
        **os.environ,
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test-key",
        "AWS_SECRET_ACCESS_KEY": "test-secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
