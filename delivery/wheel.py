"""The wheel, the same bytes each time: `python -m delivery.wheel` builds it into dist/ by the locked build backend."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from components.step.errors import ServiceError, one_line
from delivery.command import ended
from delivery.locks import ROOT
from delivery.sbom import DIST

# The time of every file in it, unless SOURCE_DATE_EPOCH names another: 2020-02-02, as the build backend has it.
EPOCH = "1580601600"


def build_wheel(folder: Path = DIST, source: Path = ROOT) -> Path:
    """Build the wheel of `source` into `folder`, in place of any other there; return where it is.

    Raises:
        ServiceError: the build backend refuses it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.whl"):
        old.unlink()
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    command = [*pip, "--wheel-dir", str(folder), str(source)]
    environment = {"SOURCE_DATE_EPOCH": EPOCH, **os.environ}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise ServiceError(f"The wheel must build. Received: {one_line(done.stderr.strip()[-300:])}. Run `make setup`.")
    [wheel] = folder.glob("*.whl")
    return wheel


def main() -> None:
    """Build it and print its digest."""
    wheel = build_wheel()
    print(f"{wheel.relative_to(ROOT)}: sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    sys.exit(ended(main))
