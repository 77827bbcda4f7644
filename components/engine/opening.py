"""An engine opened: none for this machine, or a Ray cluster that was looked at before it is given work."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from components.parameters.engines import RAY, check_engine
from components.step.errors import UsageError

if TYPE_CHECKING:
    from components.engine.ray_cluster import RayCluster

# Opens an engine when it is needed; `nullcontext` is that of this machine.
OpenEngine = Callable[[], AbstractContextManager["RayCluster | None"]]


@contextmanager
def open_engine(engine: str, ray_address: str) -> "Iterator[RayCluster | None]":
    """Yield the cluster at `ray_address`, connected and each node of it asked which code it has; None for `local`.

    Raises:
        UsageError: engine or address are not legal, Ray is not installed, or a node has other code.
        ServiceError: nothing answers at the address, or it is no Ray cluster.
    """
    check_engine(engine, ray_address)
    if engine != RAY:
        yield None
        return
    if not (find_spec("ray") and find_spec("grpc")):  # A Ray that was installed without its client has no gRPC.
        raise UsageError(
            "engine=ray needs Ray in this environment. Received: engine=ray without it. "
            'Install pawline[ray], or on a cluster compile with the image of the target "ray" (Dockerfile.train).'
        )
    if os.environ.get("RAY_AUTH_TOKEN"):
        os.environ.setdefault("RAY_AUTH_MODE", "token")  # Ray reads it while it is imported.
    from components.engine.connection import connected

    with connected(ray_address) as cluster:
        yield cluster
