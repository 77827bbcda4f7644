"""A virtual environment for each peer, made from its lock in benchmarks/serve_peers/ and kept until that changes."""

import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

PEERS = Path(__file__).parent / "serve_peers"
KEPT = Path(__file__).parent.parent / "build" / "serve-benchmark"  # Git ignores it.


def python_of(peer: str) -> Path:
    """Return the interpreter of `peer`'s environment, made first if need be; minutes for all of them."""
    lock = PEERS / f"{peer}.txt"
    folder = KEPT / "environments" / peer
    stamp = folder / "made-of"
    made_of = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != made_of:
        print(f"{peer}: making its virtual environment", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r", str(lock)]
        subprocess.run([folder / "bin" / "python", *install], check=True)
        stamp.write_text(made_of)
    return folder / "bin" / "python"


def locked_version(peer: str, package: str) -> str:
    """Return the version of `package` in `peer`'s lock."""
    lines = (PEERS / f"{peer}.txt").read_text().splitlines()
    return next(line.partition("==")[2] for line in lines if line.startswith(f"{package}=="))
