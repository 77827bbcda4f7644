"""Servers that send without end, or a byte now and then, are left after a while."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from components.step.errors import ServiceError
from pipeline.cluster import whole_answers
from pipeline.cluster.kfp_api import KfpApi
from pipeline.cluster.kubernetes_api import KubernetesApi
from pipeline.cluster.named import named_server
from tests.support.kfp_server import kubeconfig, listening


class Endless(BaseHTTPRequestHandler):
    """Answers with pieces for ever, a pause before each."""

    piece, pause, ended = b" " * 65536, 0.0, threading.Event()

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            while not self.ended.wait(self.pause):
                self.wfile.write(self.piece)
        except OSError:  # The client has gone.
            return

    def log_message(self, *_: object) -> None: ...


NO_END = r"an answer (of more than 1 MiB|that is not there after 0\.5 s)"
# What is sent, the seconds before each piece, and the bound that ends it.
ENDLESS = {"floods": (b" " * 65536, 0.0, "MOST_BYTES", 1 << 20), "drips": (b" ", 0.05, "MOST_SECONDS", 0.5)}


@pytest.fixture(params=ENDLESS)
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    piece, pause, bound, most = ENDLESS[request.param]
    ended = threading.Event()
    handler = type("Handler", (Endless,), {"piece": piece, "pause": pause, "ended": ended})
    monkeypatch.setattr(whole_answers, bound, most)
    with listening(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as port:
        yield f"http://127.0.0.1:{port}"
        ended.set()


def test_a_kfp_api_without_end_is_one_line(server: str) -> None:
    with pytest.raises(ServiceError, match=NO_END):
        KfpApi(named_server(server, None))


def test_a_kubernetes_api_without_end_is_one_line(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, server)))
    with pytest.raises(ServiceError, match=NO_END):
        KubernetesApi("runs").pods("some-run")
