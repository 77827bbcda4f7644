"""What an MLflow that is slow or gone costs a run: the steps' trackers and the delivery at the end, by the clock.

Three servers: one that accepts and never answers, one that refuses, and MLflow's own, each call to it taking 3 s more.
Each time the steps of a run track what they do (parameters, epochs, files of a bundle), in processes of their own as
`pawline run` starts them, and what is measured is what they and the end of the run take longer than without tracking.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from pipeline.local.delivery import deliver
from pipeline.local.tracking import tracking_environment

SECONDS_A_CALL = 3.0
STEPS = ("train", "test", "promote")
# A step: half a second of work, an epoch every 10 ms, then files of 8 MB.
STEP = """
import os, sys, time
from pathlib import Path
from components.tracking.shared_run import queue_folder
from components.tracking.tracker import open_tracker
folder = Path(sys.argv[1])
tracker = open_tracker(os.environ, queue_folder=queue_folder(folder / "out"), key=sys.argv[2])
tracker.start(sys.argv[2], {"epochs": 50}, {}, None)
for epoch in range(1, 51):
    time.sleep(0.01)
    tracker.epoch(epoch, {"loss": 1 / epoch})
for path in sorted(folder.glob("*.bin")):
    tracker.artifact(path, "files")
tracker.finish("FINISHED")
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Print a line for each server: what it costs with `pawline run`, and a step on a cluster; return 0."""
    argparse.ArgumentParser(prog="python -m benchmarks.tracking", description=__doc__).parse_args(argv)
    servers = {"never answers": _hanging, "refuses": _refusing, f"answers after {SECONDS_A_CALL:.0f} s": _slow}
    for name, server in servers.items():
        with tempfile.TemporaryDirectory(prefix="pawline-benchmark-") as folder, server(Path(folder)) as uri:
            here, left = _local_run(Path(folder), uri)
            step = _cluster_step(Path(folder), uri)
            print(f"{name}: {here:.1f} s a run here ({left} events kept), {step:.1f} s a step on a cluster", flush=True)
    return 0


def _local_run(folder: Path, uri: str) -> tuple[float, int]:
    run = _with_files(folder / "runs" / "a")
    environment = tracking_environment(run)
    without = sum(_seconds(lambda step=step: _step(run, step, environment)) for step in STEPS)  # type: ignore[misc]  # mypy takes the default for an argument
    os.environ["MLFLOW_TRACKING_URI"] = uri
    tracked = sum(_seconds(lambda step=step: _step(run, step, environment)) for step in STEPS)  # type: ignore[misc]  # likewise
    left: list[int] = []
    ended = _seconds(lambda: left.append(deliver(run.parent, Console(quiet=True)).left))
    del os.environ["MLFLOW_TRACKING_URI"]
    return tracked + ended - without, left[0]


def _cluster_step(folder: Path, uri: str) -> float:
    place = _with_files(folder / "step")
    without = _seconds(lambda: _step(place, "train", {}))
    return _seconds(lambda: _step(place, "train", {"MLFLOW_TRACKING_URI": uri})) - without


def _step(folder: Path, step: str, more: Mapping[str, str]) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), **more}
    subprocess.run([sys.executable, "-c", STEP, str(folder), step], env=environment, check=True, capture_output=True)


def _seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _with_files(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for number in range(3):
        (folder / f"{number}.bin").write_bytes(os.urandom(8 * 2**20))
    return folder


@contextmanager
def _hanging(folder: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def _refusing(folder: Path) -> Iterator[str]:
    with _hanging(folder) as uri:
        pass
    yield uri


@contextmanager
def _slow(folder: Path) -> Iterator[str]:
    """Yield the address of an `mlflow server` before which each call waits."""
    with _hanging(folder) as uri:
        port = uri.rpartition(":")[2]
    command = [shutil.which("mlflow", path=str(Path(sys.executable).parent)) or "mlflow", "server", "--port", port]
    store = ["--backend-store-uri", f"sqlite:///{folder}/m.db", "--artifacts-destination", str(folder / "files")]
    process = subprocess.Popen(
        [*command, *store, "--workers", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(int(port))
        with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
            threading.Thread(target=_forward, args=(server, int(port)), daemon=True).start()
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError("mlflow server did not start")


def _forward(server: socket.socket, port: int) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_exchange, args=(connection, port), daemon=True).start()


def _exchange(client: socket.socket, port: int) -> None:
    with client, socket.create_connection(("127.0.0.1", port)) as upstream:
        back = threading.Thread(target=_copy, args=(upstream, client, 0.0), daemon=True)
        back.start()
        _copy(client, upstream, SECONDS_A_CALL)
        back.join()


def _copy(source: socket.socket, sink: socket.socket, pause: float) -> None:
    try:
        while data := source.recv(1 << 16):
            time.sleep(pause if data[:5] in (b"GET /", b"POST ", b"PUT /", b"PATCH") else 0.0)
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


if __name__ == "__main__":
    sys.exit(main())
