"""A server of its own for each test that wants one: a small bundle, a process, a port; gone when the test is."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import onnx
import uvloop
from onnx import TensorProto, helper, numpy_helper

from components.bundle.manifest import GOLDEN, MANIFEST, NETWORK, ONNX_NETWORK, SEALED, Manifest, sha256_of
from components.serve.server import Server
from components.serve.work.service import Service
from tests.support.patience import PATIENCE

ROOT = Path(__file__).parents[2]
CLASSES = ["blue", "green", "red"]
SIDE = 32
Result = TypeVar("Result")
# A class for each channel, which are red, green, blue.
WEIGHTS = np.fliplr(np.eye(3)).astype(np.float32) * 0.1


def colour_bundle(folder: Path, scale: float = 1.0) -> Path:
    """Write a bundle to `folder` whose network tells the strongest of the three colours; `scale` makes it surer."""
    folder.mkdir(parents=True)
    onnx.save(_network(WEIGHTS * scale), folder / ONNX_NETWORK)
    (folder / NETWORK).write_bytes(b"not needed for serving")
    images = np.random.default_rng(1).integers(0, 256, (3, SIDE, SIDE, 3), np.uint8)
    np.savez(folder / GOLDEN, images=images, probabilities=colour_probabilities(images, scale))
    manifest = Manifest(
        class_names=CLASSES, image_size=SIDE, backbone="colours", weights="none", dataset_fingerprint="0" * 64,
        split_seed=7, training={"epochs": 1}, metrics={"accuracy": 0.9}, library_versions={"numpy": np.__version__},
        files={name: sha256_of(folder / name) for name in SEALED},
    )  # fmt: skip
    (folder / MANIFEST).write_text(json.dumps(manifest.as_json()))
    return folder


def colour_probabilities(images: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Return what the network of `colour_bundle` gives for `images`, uint8 `[N, H, W, 3]`: float32 `[N, 3]`."""
    logits = images.astype(np.float64).mean(axis=(1, 2)) @ (WEIGHTS * scale).astype(np.float64)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def _network(weights: np.ndarray) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels"], ["colour"], axes=[1, 2], keepdims=0),
        helper.make_node("MatMul", ["colour", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", SIDE, SIDE, 3])
    output = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", len(CLASSES)])
    graph = helper.make_graph(nodes, "colours", [image], [output], [numpy_helper.from_array(weights, "weights")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)


@dataclass
class RunningServer:
    """A server at `port` in the process `process`, whose output goes to the file `log`."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path
    loop: asyncio.AbstractEventLoop | None = None  # Of one in this process.

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> tuple[int, bytes]:
        """Return the status and body of a GET."""
        return answer_to(urllib.request.Request(self.url + path))

    def post(
        self, path: str, body: bytes, content_type: str = "image/jpeg", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Return the status and body of a POST."""
        return answer_to(
            urllib.request.Request(self.url + path, body, {"Content-Type": content_type, **(headers or {})})
        )

    def events(self) -> list[dict[str, Any]]:
        """Return what the server has logged so far, without a line it is still writing."""
        lines = self.log.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def rss_mib(self) -> float:
        """Return the memory the process has in use, MiB."""
        return self._of_status("VmRSS")

    def peak_mib(self) -> float:
        """Return the most memory the process ever had in use, MiB."""
        return self._of_status("VmHWM")

    def forget_peak(self) -> None:
        """Start `peak_mib` anew. Source: Linux, Documentation/filesystems/proc.rst, clear_refs."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def processor_seconds(self) -> float:
        """Return the processor time the process has used."""
        user, system = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def _of_status(self, name: str) -> float:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


def answer_to(request: urllib.request.Request) -> tuple[int, bytes]:
    """Return the status and body of the answer to `request`, whatever its status."""
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def eventually(true: Callable[[], object]) -> None:
    """Wait until `true()` is."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@contextmanager
def running_server(
    bundle: str | Path,
    log: Path,
    *flags: str,
    python: str | Path = sys.executable,
    source: Path = ROOT,
    environment: Mapping[str, str] = os.environ,
    **settings: str,
) -> Iterator[RunningServer]:
    """Serve `bundle` with `flags` and the PAWLINE_SERVE_* of `settings`, in lower case; yield once it is ready.

    `python` runs the components in `source`, in `environment`.
    """
    port = free_port()
    given = {**environment, **{f"PAWLINE_SERVE_{name.upper()}": value for name, value in settings.items()}}
    command = [str(python), "-m", "components.serve", str(bundle), "--port", str(port), *flags]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=source, env=given, stdout=output, stderr=subprocess.STDOUT)
    server = RunningServer(port, process, log)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def served_here(service: Service) -> Iterator[RunningServer]:
    """Serve `service` in a thread of this process, so that a test may hold its workers; it has a model by then."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)  # As many as the real one has.
    server, here = Server(service, None), RunningServer(listening.getsockname()[1], None, Path())  # type: ignore[arg-type]

    async def serve() -> None:
        here.loop = asyncio.get_running_loop()
        await server.serve([listening])

    thread = threading.Thread(target=lambda: uvloop.run(serve()))
    thread.start()
    try:
        _wait_until_ready(here)
        yield here
    finally:
        server.should_exit = True
        thread.join()
        service.pool.stop()


def run_on(server: RunningServer, coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Return what `coroutine` returns on the event loop of `server`, which is served here."""
    return asyncio.run_coroutine_threadsafe(coroutine, server.loop).result(PATIENCE)  # type: ignore[arg-type]


@contextmanager
def held_workers(service: Service) -> Iterator[threading.Event]:
    """Keep every worker of `service` busy until the event is set, or the end."""
    go_on, busy = threading.Event(), threading.Barrier(service.pool.workers + 1)

    def hold() -> None:
        busy.wait(PATIENCE)
        go_on.wait()

    for _ in range(service.pool.workers):
        service.pool._threads.submit(hold)
    busy.wait(PATIENCE)
    try:
        yield go_on
    finally:
        go_on.set()


def _wait_until_ready(server: RunningServer) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and (not server.process or server.process.poll() is None):
        try:
            if server.get("/v2/health/ready")[0] == 200:
                return
        except OSError:  # Not listening yet.
            pass
        time.sleep(0.02)
    raise AssertionError(f"the server did not get ready:\n{server.log.read_text()}")
