"""An S3 server and a delaying proxy, each its own process on this machine.

`python -m benchmarks.servers` serves S3 by moto, prints its port and ends when its standard input closes.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator

KEYS = {"AWS_ACCESS_KEY_ID": "benchmark", "AWS_SECRET_ACCESS_KEY": "benchmark", "AWS_DEFAULT_REGION": "us-east-1"}


@contextlib.contextmanager
def s3_server() -> Iterator[int]:
    """Yield the port of a moto S3 server."""
    with _serving("benchmarks.servers") as port:
        yield port


@contextlib.contextmanager
def delaying_proxy(port: int, seconds: float) -> Iterator[int]:
    """Yield the port of a proxy before `port` that holds each request back for `seconds`."""
    with _serving("tests.support.fault_proxy", str(port), str(seconds)) as front:
        yield front


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


def main() -> None:
    """Serve until standard input closes."""
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    print(server.get_host_and_port()[1], flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
