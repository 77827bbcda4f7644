"""A real MLflow server on this machine."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.patience import PATIENCE


@contextmanager
def mlflow_at(address: str, folder: Path) -> Iterator[str]:
    """Yield the URI of a server that listens at `address`; its database, made if need be, and files are in `folder`."""
    with socket.socket() as found:
        found.bind((address, 0))
        port = found.getsockname()[1]
    options = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", f"{folder}/files"]
    options += ["--host", address, "--port", str(port), "--allowed-hosts", "*", "--workers", "1"]
    with (folder / "log.txt").open("wb") as log:
        command = [sys.executable, "-m", "mlflow", "server", *options]
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait_for(f"http://{address}:{port}/health", process)
        yield f"http://{address}:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
            assert answer.status == 200
            return
        time.sleep(0.2)
    raise AssertionError("the server did not start")
