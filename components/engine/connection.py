"""A connection to a Ray cluster; one that nobody answers is an error within seconds, where Ray's own takes minutes."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import ray
from ray.exceptions import RayError

from components.engine.ray_cluster import RayCluster
from components.parameters.engines import host_and_port
from components.step.errors import ServiceError, one_line

log = logging.getLogger("pawline")

ANSWER_SECONDS = 15.0


@contextmanager
def connected(address: str) -> Iterator[RayCluster]:
    """Yield the cluster at `address`, connected, each node of it checked.

    Raises:
        UsageError: the address is of another form, or a node has other code.
        ServiceError: nothing answers there within ANSWER_SECONDS, or not as a Ray cluster of this version does.
    """
    _check_answers(address)
    _connect(address)
    try:
        cluster = RayCluster(address)
        cluster.check_nodes()
        yield cluster
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    host, port = host_and_port(address)
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    with _channel(target) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=ANSWER_SECONDS)
        except grpc.FutureTimeoutError as error:
            raise _refusal(address, f"no answer of Ray within {ANSWER_SECONDS:.0f} s") from error


def _channel(target: str) -> grpc.Channel:
    # Ray's own do not go through proxies either.
    options = [("grpc.enable_http_proxy", 0)]
    if os.environ.get("RAY_USE_TLS", "0").lower() not in ("1", "true"):
        return grpc.insecure_channel(target, options)
    from ray._common.tls_utils import load_certs_from_env  # As its channels are made; there is no public way.

    certificate, key, authority = load_certs_from_env()
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(authority, key, certificate), options)


def _connect(address: str) -> None:
    # Ray puts a handler of its own there, which this process has no use for.
    terminate = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, configure_logging=False)
    except (RayError, RuntimeError, OSError, ValueError, AssertionError) as error:  # Ray's documentation promises none.
        raise _refusal(address, one_line(error)) from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, terminate)
    log.info("connected to the Ray cluster at %s", address)


def _refusal(address: str, why: str) -> ServiceError:
    return ServiceError(
        "A Ray cluster must answer at ray_address, with this version of Ray and Python. "
        f"Received: {one_line(address, 120)}: {why}. Check the address, that the cluster is up, and its image."
    )
