"""An engine is opened, or refused at once in one line."""

import importlib.util
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from components.engine import opening
from components.engine.opening import open_engine
from components.step.errors import ServiceError, UsageError

pytest.importorskip("ray")


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


@pytest.fixture
def other_port() -> Iterator[int]:
    """A port at which no Ray answers, but a server of web pages."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        threading.Thread(target=_answer_all, args=(server,), daemon=True).start()
        yield server.getsockname()[1]


def _answer_all(server: socket.socket) -> None:
    try:
        while True:
            with server.accept()[0] as connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    except OSError:  # Closed.
        return


def test_this_machine_needs_no_cluster():
    with open_engine("local", "") as cluster:
        assert cluster is None


@pytest.mark.parametrize("scheme", ["ray://", ""])
@pytest.mark.parametrize("host", ["127.0.0.1:1", "nowhere.invalid:10001", "[::1]:1"])
def test_an_address_that_does_not_answer_is_an_error_within_seconds(scheme, host, monkeypatch):
    from components.engine import connection

    monkeypatch.setattr(connection, "ANSWER_SECONDS", 1.0)
    with pytest.raises(ServiceError, match=r"A Ray cluster must answer at ray_address.* no answer of Ray within 1 s"):
        with open_engine("ray", scheme + host):
            pass


@pytest.mark.parametrize("port", ["silent_port", "other_port"])
def test_so_is_a_server_that_is_no_ray(port, request, monkeypatch):
    from components.engine import connection

    monkeypatch.setattr(connection, "ANSWER_SECONDS", 1.0)
    with pytest.raises(ServiceError, match="no answer of Ray within 1 s"):
        with open_engine("ray", f"ray://127.0.0.1:{request.getfixturevalue(port)}"):
            pass


@pytest.fixture
def grpc_port() -> Iterator[int]:
    """A port at which gRPC is spoken, but not by Ray."""
    import grpc

    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(None)


@pytest.mark.parametrize(("scheme", "called"), [("ray://", "Ray Client"), ("", "a cluster's head itself")])
def test_so_is_one_that_speaks_as_ray_does(scheme, called, grpc_port):
    with pytest.raises(ServiceError, match=f"what answers is not {called}"):
        with open_engine("ray", f"{scheme}127.0.0.1:{grpc_port}"):
            pass


def test_of_what_a_cluster_says_its_traceback_is_left_out(monkeypatch):
    import ray

    from components.engine import connection

    def refused(*_, **__):
        raise RuntimeError(
            'Failed:\nTraceback (most recent call last):\n  File "a.py", line 1\nRuntimeError: no backend\n'
        )

    monkeypatch.setattr(connection, "_check_answers", lambda _: None)
    monkeypatch.setattr(ray, "init", refused)
    with pytest.raises(ServiceError, match=r"head:1: Failed: RuntimeError: no backend\. Check"):
        with open_engine("ray", "ray://head:1"):
            pass


@pytest.mark.parametrize("given", [{}, {"RAY_TLS_SERVER_CERT": "a", "RAY_TLS_SERVER_KEY": "b", "RAY_TLS_CA_CERT": "c"}])
def test_tls_without_its_files_is_named(given, monkeypatch):
    for name, value in {"RAY_USE_TLS": "1", **given}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match="RAY_USE_TLS needs a certificate"):
        with open_engine("ray", "ray://127.0.0.1:1"):
            pass


@pytest.mark.parametrize("missing", ["ray", "grpc"])
def test_without_ray_the_error_says_what_to_install(missing, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(opening, "find_spec", lambda name: None if name == missing else find_spec(name))
    with pytest.raises(UsageError, match=r"Install pawline\[ray\]"):
        with open_engine("ray", "ray://127.0.0.1:10001"):
            pass
