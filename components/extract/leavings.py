"""What lies among images without being one: hidden files, what tools leave behind, and Pawline's own outputs."""

import re
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from components.extract.notes import noted

# Of macOS, Windows, NAS boxes, file systems and Python; hidden names begin with a dot.
_OF_TOOLS = {
    *("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "__pycache__"),
    *("@eadir", "@__thumb", "@recycle", "#recycle", "@tmp", "#snapshot", "@recently-snapshot"),
    *("$recycle.bin", "recycler", "system volume information", "lost+found"),
}
# A folder called `runs`, or like a time, is the user's own where no run lies in it.
_RUNS = re.compile(r"(?:.*/)?runs/(?=\d{8}-\d{6}(?:-\d+)?/(?:(?:extract|split|train|test|promote)/|run\.json$))")
_RUN = re.compile(r"(?P<runs>(?:.*/)?)[^/]+/(?=run\.json$)")
BESIDE_DATASETS = ("parts", "features", "checkpoints")
_DATASET = re.compile(r"(?P<store>(?:.*/)?)[0-9a-f]{64}/(?=dataset\.json$)")


def is_leaving(part: str) -> bool:
    """Tell whether a file or folder called `part` is hidden or a tool's, so that nobody means it as data."""
    return (part.startswith((".", "~$")) and part not in (".", "..")) or part.lower() in _OF_TOOLS


def without_own(names: Iterable[str], images_uri: str, outputs: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return `names`, which lie at `images_uri`, without what Pawline wrote there, and sentences on what that is.

    `outputs` are the places that this step writes to. Runs and datasets of earlier commands are known by their form.
    """
    names = list(names)
    inside = [place for output in outputs if (place := _relative(output, images_uri))]
    own = {f"{place}/" for place in inside} | set(_earlier(names))
    left_out = [name for name in names if name in inside or name.startswith(tuple(own))]
    known = set(left_out)
    return [name for name in names if name not in known], noted("Pawline's own outputs are no samples", left_out)


def _earlier(names: Collection[str]) -> Iterable[str]:
    known = set(names)
    for name in names:
        if found := _RUNS.match(name):
            yield found[0]
        elif (found := _RUN.match(name)) and f"{found[0]}config.yaml" in known:
            yield from (found[0], f"{found['runs']}mlartifacts/", f"{found['runs']}mlflow.db")
        elif found := _DATASET.match(name):
            yield from (found[0], *(f"{found['store']}{beside}/" for beside in BESIDE_DATASETS))


def _relative(place: str, root: str) -> str:
    """Return where `place` lies below `root`, empty if it does not."""
    resolved: Callable[[str], str] = lambda uri: uri.rstrip("/") if "://" in uri else str(Path(uri).resolve())  # noqa: E731 - used twice
    place, root = resolved(place), resolved(root)
    return place[len(root) + 1 :] if place.startswith(f"{root}/") else ""
