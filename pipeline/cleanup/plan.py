"""What can go from a folder of runs: old runs, what no other run refers to, queues that nobody empties, leftovers."""

import re
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.step.counts import counted
from components.step.errors import DataError
from components.tracking.queue import EVENTS
from pipeline.local.delivery import events_left, queues_of
from pipeline.local.folder import DATASETS
from pipeline.local.record import RunRecord
from pipeline.local.recorded import read_record
from pipeline.local.references import run_folders

STORE = DATASETS  # Where runs share things unless they are told otherwise; nothing outside is touched.
SHARED = ("features", "checkpoints")
PARTS = "parts"  # Of datasets, which share them.
PROMOTING = ("promoted", "first model")
QUEUE_DAYS = 30
KEY = re.compile(r"\b[0-9a-f]{64}\b")
NAMES_ITS_KEYS = "checkpoint is kept as "  # In the log of a training that says what it shares.


@dataclass(frozen=True, slots=True)
class Removable:
    """Something that can go: its kind in a word, where it is, why it can, its bytes, and events that MLflow lacks."""

    kind: str
    path: Path
    reason: str
    bytes: int
    events: int = 0


def removable(runs: Path, keep: int, shared_too: bool, waiting_too: bool = True) -> list[Removable]:
    """Return what can go from the folder `runs` if its `keep` last runs stay.

    Runs that are going on stay, what a run that stays took over from another, damaged ones, and the last that became
    champion; and unless they are to be listed, too, those of which MLflow has not got all (`waiting`). What runs share
    is left out unless `shared_too` says that no run can be going on.
    """
    records = [record for folder in run_folders(runs) if (record := _record(folder))]
    held = set() if waiting_too else {record.folder.name for record in records if waits(record.folder)}
    staying = _staying(sorted(records, key=lambda record: record.started, reverse=True), keep, held)
    damaged = len(run_folders(runs)) > len(records)
    found = [_run(record.folder, keep) for record in records if record not in staying]
    found += [item for record in staying for item in _abandoned_queues(record)]
    if shared_too:
        found += [] if damaged else _unreferenced(runs / STORE, staying)
        found += [_item("leftover", path, "of a write that was killed") for path in _partial(runs)]
    return found


def waits(run: Path) -> bool:
    """Tell whether events of the run in the folder `run` wait for MLflow, and not for so long that nobody will come."""
    return events_left(run) > 0 and min(map(_days, queues_of(run)), default=0.0) <= QUEUE_DAYS


def _run(folder: Path, keep: int) -> Removable:
    events = events_left(folder)
    reason = {0: "no run is to stay", 1: "older than the last"}.get(keep, f"older than the last {keep}")
    waiting = f"; MLflow has not got {counted(events, 'event')} of it" if events else ""
    return Removable("run", folder, reason + waiting, size_of(folder), events)


def _record(folder: Path) -> RunRecord | None:
    try:
        return read_record(folder)
    except DataError:
        return None


def _staying(records: Sequence[RunRecord], keep: int, held: Collection[str]) -> list[RunRecord]:
    """Return those of `records`, the last first, that stay; `held` are the names of some that must."""
    champion = next((record.folder for record in records if _promoted(record)), None)
    names = {
        record.folder.name
        for number, record in enumerate(records)
        if number < keep or record.status == "running" or record.folder == champion or record.folder.name in held
    }
    origins = {state.reused_from for record in records if record.folder.name in names for state in record.steps}
    return [record for record in records if record.folder.name in names | origins]


def _promoted(record: RunRecord) -> bool:
    return any(state.parameters.get("verdict") in PROMOTING for state in record.steps if state.name == "promote")


def _unreferenced(store: Path, staying: Sequence[RunRecord]) -> Iterator[Removable]:
    datasets = {str(state.parameters.get("fingerprint")) for record in staying for state in record.steps}
    for path in _folders(store):
        if KEY.fullmatch(path.name) and path.name not in datasets:
            yield _item("dataset", path, "no run that stays has it")
    yield from _parts([path for path in _folders(store) if path.name in datasets], store / PARTS)
    keys = [_keys(record) for record in staying if _has_trained(record)]
    if None in keys:  # A run of before keys were logged may need any of them.
        return
    known = {key for found in keys if found for key in found}
    for kind in SHARED:
        for path in _folders(store / kind):
            if KEY.fullmatch(path.name) and path.name not in known:
                yield _item(kind, path, "no run that stays needs it")


def _parts(datasets: Sequence[Path], place: Path) -> Iterator[Removable]:
    """Yield the parts in `place` that none of `datasets`, all that stay, has; none where one cannot be asked."""
    from components.dataset.snapshot import open_dataset  # Arrow takes longer to import than all else here to do.

    try:
        known = {part for dataset in datasets for part in open_dataset(str(dataset)).content.parts}
    except DataError:
        return
    for path in sorted(place.glob("part-*.parquet")):
        if path.name not in known:
            yield _item("part", path, "no dataset that stays has it")


def _has_trained(record: RunRecord) -> bool:
    return any(state.name == "train" and state.status != "waiting" for state in record.steps)


def _keys(record: RunRecord) -> set[str] | None:
    """Return the keys of what the run's training shares, by its log; None if the log does not say."""
    log = record.folder / "train" / "log.txt"
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    return set(KEY.findall(text)) if NAMES_ITS_KEYS in text else None


def _abandoned_queues(record: RunRecord) -> Iterator[Removable]:
    for folder in record.folder.glob("*/tracking-queue"):
        if _days(folder) > QUEUE_DAYS and record.status != "running":
            reason = f"MLflow has not taken it for {counted(round(_days(folder)), 'day')}"
            yield Removable("queue", folder, reason, size_of(folder), events_left(record.folder))


def _days(queue: Path) -> float:
    """Return how many days ago the last event came into the folder `queue`; each try to send it writes there, too."""
    times = [path.stat().st_mtime for path in queue.glob(f"*{EVENTS}")]
    return (time.time() - max(times, default=time.time())) / 86_400


def _partial(runs: Path) -> Iterator[Path]:
    for place in (runs, runs / STORE, *_folders(runs / STORE)):
        yield from place.glob(".partial-*")


def _folders(place: Path) -> list[Path]:
    return sorted(path for path in place.iterdir() if path.is_dir() and not path.is_symlink()) if place.is_dir() else []


def _item(kind: str, path: Path, reason: str) -> Removable:
    return Removable(kind, path, reason, size_of(path))


def size_of(path: Path) -> int:
    """Return the bytes of the file at `path`, or of all files below the folder there; links are not followed."""
    if path.is_dir() and not path.is_symlink():
        return sum(size_of(inner) for inner in path.iterdir())
    return path.lstat().st_size
