"""Who is measured: Pawline with its defaults, and each peer with every setting that might suit it best."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.serve_environments import KEPT, PEERS, locked_version, python_of
from components.step.cores import available_cores
from tests.support.serving import free_port

CORES = available_cores()
READY_LIMIT = 60.0


@dataclass(frozen=True)
class Contestant:
    """A server: its `command`, where it takes a JPEG, and environments by name to choose the best of."""

    name: str
    command: list[str]
    path: str = "/predict"
    peer: str = ""
    package: str = ""
    settings: dict[str, dict[str, str]] = field(default_factory=lambda: {"defaults": {}})
    exact: bool = True

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.name} {locked_version(self.peer, self.package)}" if self.peer else self.name


def _environment(workers: int, threads: int, streams: int, **more: str) -> dict[str, str]:
    return {"WORKERS": str(workers), "THREADS": str(threads), "STREAMS": str(streams), **more}


_SHARE = max(1, CORES // 2)
ONE_PROCESS = {
    f"1 process, {threads} threads": _environment(1, threads, CORES) for threads in (CORES, CORES + 1, CORES + 2)
}
TWO_PROCESSES = {
    "2 processes, 1 thread each": _environment(2, 1, _SHARE),
    "2 processes, 2 each": _environment(2, 2, _SHARE),
}
LITSERVE = {
    f"{workers} workers, {'fast' if fast == '1' else 'plain'} queue": _environment(workers, 1, streams, FAST_QUEUE=fast)
    for workers, streams in ((CORES, 1), (1, CORES), (CORES + 1, 1))
    for fast in ("1", "0")
}
UVICORN = [
    "-m",
    "uvicorn",
    "fastapi_openvino_server:app",
    "--port",
    "{port}",
    "--http",
    "httptools",
    "--loop",
    "uvloop",
]
FASTAPI = [*UVICORN, "--no-access-log", "--log-level", "warning", "--workers", "{WORKERS}"]
BFLOAT16 = {name: {**values, "PRECISION": "bf16"} for name, values in ONE_PROCESS.items()}
BENTOML = ["-m", "bentoml", "serve", "bentoml_server:ImageService", "--host", "127.0.0.1", "--port", "{port}"]
KSERVE_PATH = "/v1/models/image:predict"

PAWLINE = Contestant("Pawline", ["-m", "components.serve", "{bundle}", "--port", "{port}"])
PEERS_OF_PAWLINE = [
    Contestant("FastAPI + OpenVINO", FASTAPI, "/predict", "fastapi_openvino", "fastapi", ONE_PROCESS | TWO_PROCESSES),
    Contestant("LitServe", ["litserve_server.py"], "/predict", "litserve", "litserve", LITSERVE),
    Contestant("MLServer", ["mlserver_server.py"], "/predict", "mlserver", "mlserver", ONE_PROCESS),
    Contestant("BentoML", BENTOML, "/predict", "bentoml", "bentoml", ONE_PROCESS | TWO_PROCESSES),
    Contestant("KServe", ["kserve_server.py"], KSERVE_PATH, "kserve", "kserve", ONE_PROCESS),
    Contestant("FastAPI in bfloat16", FASTAPI, "/predict", "fastapi_openvino", "fastapi", BFLOAT16, exact=False),
]


@dataclass(frozen=True)
class Running:
    """A server that answers, `ready_seconds` after its process began."""

    url: str
    pid: int
    ready_seconds: float

    def memory_mib(self) -> float:
        """Return the memory of all its processes, what they share counted once (PSS)."""
        return sum(_kib(pid, "smaps_rollup", "Pss:") for pid in tree(self.pid)) / 1024

    def rss_mib(self) -> float:
        """Return the memory of its first process; unlike `memory_mib` this does not hold it up."""
        return _kib(self.pid, "status", "VmRSS:") / 1024

    def peak_rss_mib(self) -> float:
        """Return the most memory its first process ever had."""
        return _kib(self.pid, "status", "VmHWM:") / 1024

    def processor_seconds(self) -> float:
        """Return the processor time that all its processes have used."""
        return sum(_processor_ticks(pid) for pid in tree(self.pid)) / os.sysconf("SC_CLK_TCK")

    def probabilities(self, photo: bytes) -> list[float]:
        """Return what it answers to `photo`."""
        found = post(self.url, photo)["probabilities"]
        return list(found.values()) if isinstance(found, dict) else found


def post(url: str, photo: bytes) -> dict:
    """Return the JSON that `url` answers to `photo`."""
    request = urllib.request.Request(url, photo, {"Content-Type": "image/jpeg"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


@contextlib.contextmanager
def running(contestant: Contestant, setting: str, bundle: Path, photo: bytes) -> Iterator[Running]:
    """Start `contestant` in `setting`, yield it when it has answered `photo`, end it and all that it started."""
    port = free_port()
    values = contestant.settings[setting]
    python = str(python_of(contestant.peer)) if contestant.peer else sys.executable
    words = [word.format(port=port, bundle=bundle, **values) for word in contestant.command]
    log = (KEPT / f"{contestant.name}.log").open("wb")
    began = time.perf_counter()
    process = subprocess.Popen(
        [python, *words],
        cwd=PEERS if contestant.peer else PEERS.parent.parent,
        env=os.environ | _where(port, bundle) | values,
        stdout=log,
        stderr=subprocess.STDOUT,
        process_group=0,  # No session of its own, which Linux would give a share of the processors of its own.
    )
    try:
        url = f"http://127.0.0.1:{port}{contestant.path}"
        _wait_until_ready(process, url, photo, Path(log.name))
        yield Running(url, process.pid, time.perf_counter() - began)
    finally:
        log.close()
        _end(process)


def _where(port: int, bundle: Path) -> dict[str, str]:
    cache = {"PYTHONPYCACHEPREFIX": str(KEPT / "bytecode")}
    return {"PORT": str(port), "MODEL": str(bundle / "model.onnx"), "BENTOML_DO_NOT_TRACK": "True", **cache}


def _wait_until_ready(process: subprocess.Popen, url: str, photo: bytes, log: Path) -> None:
    deadline = time.monotonic() + READY_LIMIT
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, urllib.error.HTTPError):
            post(url, photo)
            return
        time.sleep(0.02)
    raise SystemExit(f"{url} did not get ready:\n{log.read_text()[-2000:]}")


def _end(process: subprocess.Popen) -> None:
    started = tree(process.pid)
    process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)
    for pid in started:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def tree(root: int) -> list[int]:
    """Return `root` and all its descendants (Linux)."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _processor_ticks(pid: int) -> int:
    try:
        user, system = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    except OSError:
        return 0
    return int(user) + int(system)


def _kib(pid: int, file: str, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)
