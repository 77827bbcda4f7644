"""An engine is opened, or refused at once in one line."""

import importlib.util
import socket
import threading
from collections.abc import Iterator
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


def test_without_ray_the_error_says_what_to_install(monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(opening, "find_spec", lambda name: None if name == "ray" else find_spec(name))
    with pytest.raises(UsageError, match=r"Install pawline\[ray\]"):
        with open_engine("ray", "ray://127.0.0.1:10001"):
            pass
