"""Every place that reads a path of a user's reads regular files only: a pipe or a device would never end."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from components.bundle.manifest import read_manifest, sha256_of
from components.dataset.samples import read_split_table
from components.features.training_table import read_training_features
from components.parameters.policy import read_policy
from components.step.errors import PawlineError
from components.step.regular_files import NotReadable, mapped, open_regular, read_regular
from components.storage.stores import read_bytes
from components.train.outputs import read_history
from pipeline.compiled import load_pipeline
from pipeline.config import read_config

READERS: dict[str, Callable[[Path], object]] = {
    "sha256_of": sha256_of,
    "read_manifest": lambda path: read_manifest(path.parent),
    "read_split_table": lambda path: read_split_table(path, "train"),
    "read_training_features": read_training_features,
    "read_policy": lambda path: read_policy(str(path)),
    "read_bytes": lambda path: read_bytes(str(path)),
    "read_history": read_history,
    "load_pipeline": load_pipeline,
    "read_config": lambda path: read_config(path, {}),
    "open_regular": open_regular,
    "read_regular": read_regular,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", ["pipe", "zeros", "folder"])
def test_no_reader_waits_for_a_pipe_or_reads_a_device(tmp_path: Path, reader: str, kind: str) -> None:
    path = tmp_path / "bundle.json"
    {"pipe": os.mkfifo, "zeros": lambda path: path.symlink_to("/dev/zero"), "folder": Path.mkdir}[kind](path)
    caught: list[BaseException] = []

    def read() -> None:
        try:
            READERS[reader](path)
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(20)
    assert caught, "it waits or reads for ever"
    assert isinstance(caught[0], (PawlineError, OSError))


def test_a_file_is_read_to_its_limit(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert read_regular(tmp_path / "a", 3) == b"abc"
    with pytest.raises(NotReadable, match="more than 2 bytes"):
        read_regular(tmp_path / "a", 2)


@pytest.mark.parametrize("data", [b"", b"abc"])
def test_a_file_is_mapped(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a").write_bytes(data)
    with mapped(tmp_path / "a") as view:
        assert bytes(view) == data
