"""The queue on disk between a training and MLflow: JSON lines appended by one, sent by another process.

Each run has `<key>.jsonl`, its events, and `<key>.state.json`, how many bytes of it were sent and to which run. A line
is complete when its line end is there, so a kill at any moment leaves a readable queue. Behind the JSON stand a tab and
its sha256, without which nobody would know a damaged number; lines of older queues end with the JSON.
"""

import fcntl
import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from components.step.files import json_text
from components.step.sealed_json import sealed, unsealed
from components.step.strict_json import read_json

MAX_BYTES = 64 * 2**20
EVENTS, STATE, PLACE = ".jsonl", ".state.json", "mlflow-run.json"


@dataclass(slots=True)
class State:
    """How far a queue was sent: `sent` bytes of its events, to `run_id` in `experiment_id`.

    `creating`: a run may have been created whose id was lost; `busy`: what does not depend on MLflow is going on, as
    its import; `beats` counts files sent within one event; `error` is why the last attempt failed, empty if it did not.
    """

    sent: int = 0
    run_id: str = ""
    experiment_id: str = ""
    beats: int = 0
    creating: bool = False
    busy: bool = False
    error: str = ""


class Queue:
    """The writer's end. `append` never raises and never waits for more than the page cache."""

    def __init__(self, folder: Path, key: str, file: int) -> None:
        """Append to the open `file` of the queue `key`; see `open_queue`."""
        self.folder, self.key, self._file, self.lost = folder, key, file, 0
        self._room = MAX_BYTES - sum(_size(path) for path in folder.glob(f"*{EVENTS}"))

    def append(self, event: Mapping[str, Any]) -> None:
        """Append `event`; where the disk or the queue is full it is counted in `lost` instead."""
        text = json.dumps(event, ensure_ascii=True).encode()
        line = text + b"\t" + _digest_of(text) + b"\n"
        try:
            if len(line) > self._room or os.write(self._file, line) != len(line):
                raise OSError("full")
            self._room -= len(line)
        except OSError:
            self.lost += 1

    def close(self) -> None:
        """Let the sender remove the queue when it was sent."""
        os.close(self._file)


def open_queue(folder: Path, key: str) -> Queue:
    """Return the queue `key` in `folder`, new or gone on with; one that another process writes is left to it.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^A-Za-z0-9_-]", "_", key)[:100] or secrets.token_hex(8)
    file = os.open(folder / f"{name}{EVENTS}", os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    if not _locked(file):
        os.close(file)
        return open_queue(folder, f"{name[:80]}-{secrets.token_hex(8)}")
    if os.fstat(file).st_nlink == 0:  # Its sender removed it in this moment.
        os.close(file)
        return open_queue(folder, name)
    size = os.fstat(file).st_size
    if size and os.pread(file, 1, size - 1) != b"\n":
        os.write(file, b"\n")  # The last line was cut by a kill; its reader skips it.
    return Queue(folder, name, file)


def read_state(folder: Path, key: str) -> State:
    """Return the state of the queue `key`, a fresh one if there is none or it is damaged."""
    try:
        state = State(**unsealed((folder / f"{key}{STATE}").read_bytes(), State.__slots__))
    except FileNotFoundError:
        return State()
    except (OSError, ValueError, TypeError, RecursionError):
        return State(creating=True)
    kinds = {field.name: type(field.default) for field in fields(State)}
    whole = all(type(getattr(state, name)) is kind for name, kind in kinds.items()) and state.sent >= 0
    return state if whole else State(creating=True)


def write_state(folder: Path, key: str, state: State) -> None:
    """Replace the state of the queue `key`; only who holds its lock may."""
    temporary = folder / f"{key}.state.partial"
    temporary.write_text(json_text(sealed(asdict(state))), encoding="utf-8")
    os.replace(temporary, folder / f"{key}{STATE}")


def read_events(folder: Path, key: str, start: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
    """Return at most `limit` complete events from byte `start` on and the byte after each; a damaged one is `{}`."""
    events: list[tuple[int, dict[str, Any]]] = []
    with suppress(FileNotFoundError), (folder / f"{key}{EVENTS}").open("rb") as file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n") or len(events) == limit:
                break
            start += len(line)
            events.append((start, _parsed(line)))
    return events


def count_unsent(folder: Path, key: str) -> int:
    """Return how many events of the queue `key` were not sent."""
    return len(read_events(folder, key, read_state(folder, key).sent, MAX_BYTES))


def began(folder: Path) -> int | None:
    """Return when the first of the queues in `folder` began, in milliseconds; None if there is none."""
    first = [event for key in keys(folder) for _, event in read_events(folder, key, 0, 1)]
    return min((event["time"] for event in first if isinstance(event.get("time"), int)), default=None)


def targets(folder: Path) -> set[str]:
    """Return the MLflows that the queues in `folder` are meant for."""
    return {target(folder, key) for key in keys(folder)}


def target(folder: Path, key: str) -> str:
    """Return the MLflow that the queue `key` is meant for."""
    return next((str(event.get("target")) for _, event in read_events(folder, key, 0, 1)), "")


def keys(folder: Path) -> list[str]:
    """Return the keys of all queues in `folder`, the oldest first."""
    paths = sorted(folder.glob(f"*{EVENTS}"), key=lambda path: (_modified(path), path.name))
    return [path.name.removesuffix(EVENTS) for path in paths]


@contextmanager
def locked_for_sending(folder: Path, key: str) -> Iterator[bool]:
    """Hold the queue `key` for sending; yields False if another process does."""
    with (folder / f"{key}.lock").open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True


@contextmanager
def locked_for_beginning(folder: Path) -> Iterator[None]:
    """Hold the one place in which a run is looked for and made, so that no two queues in `folder` make one each."""
    with (folder / "begin.lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write_place(folder: Path, target: str, state: State) -> None:
    """Write down where in MLflow the run of `folder` is, for whoever shows it."""
    place = {"target": target, "experiment_id": state.experiment_id, "run_id": state.run_id}
    temporary = folder / f"{PLACE}.partial"
    temporary.write_text(json.dumps(place), encoding="utf-8")
    os.replace(temporary, folder / PLACE)


def read_place(folder: Path) -> dict[str, str]:
    """Return `target`, `experiment_id` and `run_id` of the run of `folder`; empty as long as MLflow has none."""
    try:
        return {str(name): str(value) for name, value in read_json((folder / PLACE).read_bytes()).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def is_written(folder: Path, key: str) -> bool:
    """Return whether a process still has the queue `key` open to append to it."""
    with suppress(OSError), (folder / f"{key}{EVENTS}").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    return (folder / f"{key}{EVENTS}").exists()


def remove(folder: Path, key: str) -> None:
    """Remove the queue `key`, unless it is written again; events first: a state without events is nothing."""
    with suppress(FileNotFoundError), (folder / f"{key}{EVENTS}").open("rb") as file:
        if not _locked(file.fileno()):
            return
        (folder / f"{key}{EVENTS}").unlink()
    for suffix in (STATE, ".state.partial", ".lock"):
        (folder / f"{key}{suffix}").unlink(missing_ok=True)


def _locked(file: int) -> bool:
    for _ in range(10):  # Who only looks whether it is written holds it for a moment.
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(0.01)
    return False


def _digest_of(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode()


def _parsed(line: bytes) -> dict[str, Any]:
    text, has_digest, digest = line.rstrip(b"\n").partition(b"\t")
    if has_digest and digest != _digest_of(text):
        return {}
    try:
        value = read_json(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0


def _modified(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0
