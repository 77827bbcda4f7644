"""Checkpoints: what a killed training goes on from, one file a training, complete or absent.

`<checkpoint uri>/<key>/checkpoint`: the sha256 of the rest in hexadecimal, a line end, and an `.npz` of plain arrays
with a JSON header. One object, renamed (disk) or put (S3) at once, so that no half of it is ever seen.
"""

import hashlib
import io
import json
import logging
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.step.errors import PawlineError, one_line
from components.step.files import scratch_folder
from components.step.strict_json import read_json
from components.storage.store import ObjectMissing
from components.storage.stores import open_store
from components.train.finished import finish, of_another_run

log = logging.getLogger("pawline")

NAME = "checkpoint"
FORMAT_VERSION = 1
_HEADER = "header"


@dataclass(slots=True)
class Checkpoint:
    """Where a training stands: a JSON-able header, and arrays by group, each group in the order of its variables."""

    header: dict[str, Any]
    arrays: dict[str, list[NDArray[Any]]] = field(default_factory=dict)


def checkpoint_key(inputs: dict[str, Any]) -> str:
    """Return the sha256 of everything that decides a training's weights, JSON-able; other inputs, another key."""
    return hashlib.sha256(json.dumps([FORMAT_VERSION, inputs], sort_keys=True).encode()).hexdigest()


class Checkpoints:
    """The checkpoint of one training at `uri` under `key`; `seconds` of work at most are lost inside an epoch.

    `results` is where its results go, the same for each attempt of one run and for no other. A store that fails costs a
    warning, never the training.
    """

    def __init__(self, uri: str, key: str, seconds: float, results: str = "") -> None:
        """Stand for the checkpoint; nothing is read yet.

        Raises:
            UsageError: `uri` is of a scheme that is not supported.
        """
        self.key, self._seconds, self._results = key, seconds, results
        self._uri = uri.rstrip("/")
        self._store = open_store(f"{self._uri}/{key}")
        self._saved, self._cost = time.monotonic(), 0.0

    def due(self, at_epoch_end: bool) -> bool:
        """Tell whether to save now: at most a tenth of the time goes into saving, but for the first."""
        waited = time.monotonic() - self._saved
        return waited >= self._seconds or (at_epoch_end and waited >= 10 * self._cost)

    def save(self, checkpoint: Checkpoint) -> None:
        """Store `checkpoint` in place of the one before; a failure is one warning."""
        started = time.monotonic()
        try:
            with scratch_folder() as folder:
                path = Path(folder) / NAME
                path.write_bytes(_sealed(checkpoint))
                self._store.upload(NAME, path)
        except (PawlineError, OSError) as error:
            log.warning("no checkpoint could be saved, training goes on: %s", one_line(error))
        self._saved = time.monotonic()
        self._cost = self._saved - started

    def load(self) -> Checkpoint | None:
        """Return the checkpoint of this training, or None; a damaged one is ignored with one line.

        That of a finished training of another run is removed: who trains once more wants to see it trained.
        """
        try:
            if of_another_run(self._store, self._results):
                self._store.clear()
            return _opened(self._store.read(NAME), self.key)
        except ObjectMissing:
            return None
        except (PawlineError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            log.warning("a checkpoint is ignored, training starts anew: %s", one_line(error))
            return None

    def finish(self) -> None:
        """Say that the training is done: from now on the checkpoint is for its own run, and for a week at most."""
        finish(self._uri, self.key, self._results)


def _sealed(checkpoint: Checkpoint) -> bytes:
    header = json.dumps({"format_version": FORMAT_VERSION, **checkpoint.header}).encode()
    arrays = {f"{group}/{i:05}": array for group, part in checkpoint.arrays.items() for i, array in enumerate(part)}
    buffer = io.BytesIO()
    np.savez(buffer, **{_HEADER: np.frombuffer(header, np.uint8), **arrays})  # type: ignore[arg-type]  # `**` may hold allow_pickle
    return hashlib.sha256(buffer.getbuffer()).hexdigest().encode() + b"\n" + buffer.getvalue()


def _opened(data: bytes, key: str) -> Checkpoint:
    digest, _, body = data.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise ValueError("its sha256 is another: the file is damaged")
    with np.load(io.BytesIO(body), allow_pickle=False) as archive:
        header = read_json(archive[_HEADER].tobytes())
        if header["format_version"] != FORMAT_VERSION or header["key"] != key:
            raise ValueError("it is of another configuration")
        arrays: dict[str, list[NDArray[Any]]] = {}
        for name in sorted(set(archive.files) - {_HEADER}):
            arrays.setdefault(name.partition("/")[0], []).append(archive[name])
    return Checkpoint(header, arrays)
