"""What remains of a finished training: its checkpoint, for its run may lose the pod before the results have left it.

`<checkpoint uri>/<key>/finished` (JSON) says where the results of that run go and when (Unix time): an attempt with the
same place goes on from the checkpoint, the next run of that training removes it, as does any that ends a week later.
"""

import logging
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from components.step.errors import PawlineError, one_line
from components.step.files import json_text, scratch_folder
from components.step.strict_json import read_json
from components.storage.store import ObjectMissing, Store
from components.storage.stores import open_store

log = logging.getLogger("pawline")

NAME = "finished"
KEPT_SECONDS = 7 * 24 * 3600.0
MOST_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Finished:
    """Where the results of a finished training go, and when it ended (Unix time)."""

    results: str
    at: float


def finish(uri: str, key: str, results: str) -> None:
    """Keep the training's checkpoint below `uri` for `results` alone, and remove those kept too long; else warn."""
    try:
        _write(open_store(f"{uri}/{key}"), Finished(results, time.time()))
        _remove_old(uri)
    except (PawlineError, OSError) as error:  # The training is complete: its result must not be lost for this.
        log.warning("checkpoints of finished trainings could not be removed: %s", one_line(error))


def of_another_run(store: Store, results: str) -> bool:
    """Tell whether the checkpoint in `store` is of a training that has finished for another place than `results`.

    Raises:
        ServiceError: the store failed.
    """
    found = _read(store, NAME)
    return found is not None and found.results != results


def _remove_old(uri: str) -> None:
    store = open_store(uri)
    for name in [found.name for found in store.list() if found.name.endswith(f"/{NAME}")]:
        found = _read(store, name)
        if found is None or found.at < time.time() - KEPT_SECONDS:
            open_store(f"{uri}/{name.rpartition('/')[0]}").clear()


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
