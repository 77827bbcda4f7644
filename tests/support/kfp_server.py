"""A small KFP API (and Kubernetes API) over HTTP: answers as recorded from a real one, and remembers what it was asked.

The answers in recorded_kfp/ are those of KFP 2.17.0 on Kubernetes 1.35.4.
"""

import json
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pipeline.compilation import COMPILED_PIPELINE

RECORDED = Path(__file__).with_name("recorded_kfp")


@dataclass(frozen=True, slots=True)
class Request:
    """One request: `body` is its JSON, or its bytes where it is none."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


# Takes a request; gives a status and an answer: bytes as they are, anything else as JSON.
Answer = Callable[[Request], tuple[int, Any]]


@dataclass
class FakeCluster:
    """Answers by the first of `routes` that fits method and path; what no route fits is not there."""

    url: str = ""
    routes: dict[tuple[str, str], Answer | tuple[int, Any]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)  # Of each answer, besides those that HTTP needs.

    def answer(self, request: Request) -> tuple[int, Any]:
        self.requests.append(request)
        route = self.routes.get((request.method, request.path), recorded("run-not-there"))
        return route(request) if callable(route) else route

    def made(self, method: str) -> list[tuple[str, Any]]:
        """Return path and body of each request by `method`."""
        return [(request.path, request.body) for request in self.requests if request.method == method]


def recorded(name: str) -> tuple[int, Any]:
    """Return status and answer of the recorded exchange called `name`."""
    found = json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))
    return found["status"], found["answer"]


def has_run(cluster: FakeCluster, name: str) -> str:
    """Give the cluster the run recorded as `name`; return its id."""
    status, answer = recorded(name)
    run_id = str(answer["run_id"])
    cluster.routes["GET", f"/apis/v2beta1/runs/{run_id}"] = status, answer
    cluster.routes["GET", "/apis/v2beta1/runs"] = 200, {"runs": [answer]}
    return run_id


@contextmanager
def named_cluster(monkeypatch: pytest.MonkeyPatch, folder: Path, token: str) -> Iterator[FakeCluster]:
    """Yield a cluster that the environment names; in `folder`, where one stands then, is what `compile` wrote."""
    monkeypatch.chdir(folder)
    shutil.copy(COMPILED_PIPELINE, folder / "pawline.yaml")
    with fake_cluster() as running:
        monkeypatch.setenv("PAWLINE_KFP_HOST", running.url)
        monkeypatch.setenv("PAWLINE_KFP_TOKEN", token)
        yield running


class ManyAtOnce(ThreadingHTTPServer):
    """A server whom many may ask at once; with Python's queue of five some would wait a second for the next try."""

    request_queue_size = 128
    daemon_threads = True


@contextmanager
def fake_cluster() -> Iterator[FakeCluster]:
    """Yield a cluster that listens until the context ends; its healthz is there."""
    cluster = FakeCluster(routes={("GET", "/apis/v2beta1/healthz"): recorded("healthz")})

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            parts = urlsplit(self.path)
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            request = Request(self.command, parts.path, query, dict(self.headers.items()), _body(data))
            status, answer = cluster.answer(request)
            self._send(status, answer if isinstance(answer, bytes) else json.dumps(answer).encode())

        def _send(self, status: int, data: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            for name, value in cluster.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def log_message(self, *_: Any) -> None: ...

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815  # http.server's names.

    with listening(ManyAtOnce(("127.0.0.1", 0), Handler)) as port:
        cluster.url = f"http://127.0.0.1:{port}"
        yield cluster


@contextmanager
def listening(server: ThreadingHTTPServer) -> Iterator[int]:
    """Let `server` listen until the context ends; yield its port."""
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def _body(data: bytes) -> Any:
    try:
        return json.loads(data) if data else None
    except ValueError:
        return data


def kubeconfig(folder: Path, url: str) -> Path:
    """Write to `folder` a kubeconfig whose current context is `url`, namespace kubeflow; return its path."""
    named = {
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u", "namespace": "kubeflow"}}],
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "x", **named}))
    return path
