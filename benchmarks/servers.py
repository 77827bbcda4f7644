"""An S3 server as a process of its own on this machine."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator

KEYS = {"AWS_ACCESS_KEY_ID": "benchmark", "AWS_SECRET_ACCESS_KEY": "benchmark", "AWS_DEFAULT_REGION": "us-east-1"}


@contextlib.contextmanager
def s3_from_memory(seconds: float = 0.0) -> Iterator[int]:
    """Yield the port of a quick S3 server that answers each request `seconds` after it has come."""
    with _serving("benchmarks.s3_from_memory", str(seconds)) as port:
        yield port


def environment(port: int) -> dict[str, str]:
    """Return what a step finds in its environment to reach the S3 server at `port`."""
    return KEYS | {"AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}"}


@contextlib.contextmanager
def _serving(module: str, *arguments: str) -> Iterator[int]:
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()
            process.wait(30)
