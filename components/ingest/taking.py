"""The photos of one document, taken by a process of its own with limits of time and memory."""

import hashlib
import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.dataset.images import MAX_PIXELS
from components.ingest import document_process
from components.step.strict_json import read_json

PROCESSOR_SECONDS = 120
PATIENCE = 1200  # Seconds by the clock, of a machine on which many others compute.
MEMORY = 2 << 30
MOST_PAGES = 2_000
MOST_IMAGES = 5_000
LEAST_SIDE = 16  # Pixels: lines, bullets and shadows are images, too.


@dataclass(frozen=True, slots=True)
class Settings:
    """What to take: `embedded` photos or whole `pages`, these in dots per inch."""

    what: str
    dpi: int


@dataclass(frozen=True, slots=True, order=True)
class TakenImage:
    """One image as PNG; `page` and `index`, its place on that, count from 0."""

    page: int
    index: int
    sha256: str
    width: int
    height: int
    file: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What a document gave; with a `fault`, words that follow its name, it gave nothing.

    `left_out` are page, index and the reason.
    """

    images: list[TakenImage]
    left_out: list[tuple[int, int, str]]
    fault: str = ""


def take(document: Path, folder: Path, settings: Settings) -> Taken:
    """Write what `settings` say of the PDF `document` to `folder`; whatever the document does ends in a `fault`."""
    task = {
        **{"path": str(document), "folder": str(folder), "what": settings.what, "dpi": settings.dpi},
        **{"seconds": PROCESSOR_SECONDS, "bytes": MEMORY, "most_pixels": MAX_PIXELS, "least_side": LEAST_SIDE},
        **{"most_pages": MOST_PAGES, "most_images": MOST_IMAGES},
    }
    command = [sys.executable, "-I", str(Path(document_process.__file__))]
    try:
        done = subprocess.run(command, input=json.dumps(task).encode(), capture_output=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return Taken([], [], f"takes longer than {PATIENCE} s")
    lines = [read_json(line) for line in done.stdout.splitlines() if line.endswith(b"}")]
    if not lines or not lines[-1].get("done"):
        return Taken([], [], _end(done.returncode))
    return _taken(lines, folder)


def _end(code: int) -> str:
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return f"takes longer than {PROCESSOR_SECONDS} s of a processor, or too much memory"
    return f"makes what reads it crash ({signal.Signals(-code).name if code < 0 else f'exit code {code}'})"


def _taken(lines: list[dict[str, Any]], folder: Path) -> Taken:
    *found, last = lines
    if last["fault"]:
        return Taken([], [], last["fault"])
    images = [
        TakenImage(f["page"], f["index"], _digest(folder / f["file"]), f["width"], f["height"], f["file"])
        for f in found
        if "file" in f
    ]
    left_out = [(f["page"], f["index"], f["left_out"]) for f in found if "left_out" in f]
    return Taken(images, left_out, "" if images else "holds no photo that can be taken")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
