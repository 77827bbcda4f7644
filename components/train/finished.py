"""What remains of trainings: the checkpoint of a finished one, for its run may lose the pod before the results left it.

`<checkpoint uri>/<key>/finished` (JSON) says where the results of that run go and when (Unix time): an attempt with the
same place goes on from the checkpoint, the next run of that training removes it, as does any that ends a week later.
That of an unfinished training, which may go on any time, goes when none has been saved for a month.
"""

import logging
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from components.step.errors import PawlineError, one_line
from components.step.files import json_text, scratch_folder
from components.step.strict_json import read_json
from components.storage.store import ObjectMissing, Store, StoredObject
from components.storage.stores import open_store

log = logging.getLogger("pawline")

NAME = "finished"
CHECKPOINT = re.compile(r"([0-9a-f]{64})/checkpoint")  # Beside them may lie what is not ours.
KEPT_SECONDS = 7 * 24 * 3600.0
ABANDONED_SECONDS = 30 * 24 * 3600.0
MOST_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Finished:
    """Where the results of a finished training go, and when it ended (Unix time)."""

    results: str
    at: float


def finish(uri: str, key: str, results: str) -> None:
    """Keep the training's checkpoint below `uri` for `results` alone, and remove what was kept too long; else warn."""
    try:
        _write(open_store(f"{uri}/{key}"), Finished(results, time.time()))
        _remove_old(uri)
    except (PawlineError, OSError) as error:  # The training is complete: its result must not be lost for this.
        log.warning("checkpoints of earlier trainings could not be removed: %s", one_line(error))


def of_another_run(store: Store, results: str) -> bool:
    """Tell whether the checkpoint in `store` is of a training that has finished for another place than `results`.

    Raises:
        ServiceError: the store failed.
    """
    found = _read(store, NAME)
    return found is not None and found.results != results


def _remove_old(uri: str) -> None:
    store = open_store(uri)
    for folder in {*_finished_long_ago(store, listed := list(store.list())), *_abandoned(listed)}:
        open_store(f"{uri}/{folder}").clear()


def _finished_long_ago(store: Store, listed: Sequence[StoredObject]) -> Iterator[str]:
    for name in [found.name for found in listed if found.name.endswith(f"/{NAME}")]:
        finished = _read(store, name)
        if finished and finished.at < time.time() - KEPT_SECONDS:
            yield name.rpartition("/")[0]


def _abandoned(listed: Sequence[StoredObject]) -> Iterator[str]:
    for found in listed:
        key = CHECKPOINT.fullmatch(found.name)
        if key and found.written < time.time() - ABANDONED_SECONDS:
            yield key[1]


def _write(store: Store, finished: Finished) -> None:
    with scratch_folder() as folder:
        path = Path(folder) / NAME
        path.write_text(json_text(asdict(finished)), encoding="utf-8")
        store.upload(NAME, path)


def _read(store: Store, name: str) -> Finished | None:
    """Return what the object says; None if there is none, or what it holds is not of ours."""
    try:
        values = read_json(store.read(name, limit=MOST_BYTES))
        return Finished(str(values["results"]), float(values["at"]))
    except (ObjectMissing, ValueError, KeyError, TypeError):
        return None
