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
from components.step.errors import ServiceError, UsageError, one_line

log = logging.getLogger("pawline")

ANSWER_SECONDS = 15.0
# What only they answer to, by whether the address begins with ray://. Ray itself waits for ever where another server,
# such as Ray Client's, has the port of a head.
_ASKED = {True: "/ray.rpc.RayletDriver/ClusterInfo", False: "/ray.rpc.NodeInfoGcsService/CheckAlive"}
_CALLED = {
    True: "Ray Client, as ray:// asks for",
    False: "a cluster's head itself; that of Ray Client begins with ray://",
}


@contextmanager
def connected(address: str) -> Iterator[RayCluster]:
    """Yield the cluster at `address`, connected, each node of it checked.

    Raises:
        UsageError: the address is of another form, a node has other code, or Ray's variables name no certificates.
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
            _check_is_ray(address, channel)
        except grpc.FutureTimeoutError as error:
            raise _refusal(address, f"no answer of Ray within {ANSWER_SECONDS:.0f} s") from error


def _check_is_ray(address: str, channel: grpc.Channel) -> None:
    is_client = address.startswith("ray://")
    try:
        channel.unary_unary(_ASKED[is_client])(b"", timeout=ANSWER_SECONDS)
    except grpc.RpcError as error:
        code = error.code()
        if code == grpc.StatusCode.DEADLINE_EXCEEDED:
            raise grpc.FutureTimeoutError from error
        if code == grpc.StatusCode.UNIMPLEMENTED:
            raise _refusal(address, f"what answers is not {_CALLED[is_client]}") from error
        # Any other is Ray's: it wants a token, or a client that it knows.


def _channel(target: str) -> grpc.Channel:
    # Ray's own do not go through proxies either.
    options = [("grpc.enable_http_proxy", 0)]
    if os.environ.get("RAY_USE_TLS", "0").lower() not in ("1", "true"):
        return grpc.insecure_channel(target, options)
    from ray._common.tls_utils import load_certs_from_env  # As its channels are made; there is no public way.

    try:
        certificate, key, authority = load_certs_from_env()
    except (OSError, RuntimeError) as error:
        raise UsageError(
            "RAY_USE_TLS needs a certificate, its key and the authority's certificate in files. "
            f"Received: {one_line(error)} Give RAY_TLS_SERVER_CERT, RAY_TLS_SERVER_KEY and RAY_TLS_CA_CERT."
        ) from error
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(authority, key, certificate), options)


def _connect(address: str) -> None:
    # Ray puts a handler of its own there, which this process has no use for.
    terminate = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, configure_logging=False)
    except (RayError, RuntimeError, OSError, ValueError, AssertionError) as error:  # Ray's documentation promises none.
        raise _refusal(address, one_line(_without_trace(error))) from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, terminate)
    log.info("connected to the Ray cluster at %s", address)


def _without_trace(error: Exception) -> str:
    """Return what `error` says but for the lines of the server's traceback that Ray Client quotes."""
    return " ".join(line for line in str(error).splitlines() if line and not line.startswith(("Traceback", " ")))


def _refusal(address: str, why: str) -> ServiceError:
    return ServiceError(
        "A Ray cluster must answer at ray_address, with this version of Ray and Python. "
        f"Received: {one_line(address, 120)}: {why}. Check the address, that the cluster is up, and its image."
    )
