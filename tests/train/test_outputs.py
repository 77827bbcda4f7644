"""The history: what train wrote is read, and nothing else."""

from pathlib import Path

import pytest

from components.step.errors import DataError
from components.train.epoch import FINE_TUNING, Epoch
from components.train.outputs import read_history, write_history

EPOCHS = [Epoch(1, 1.5, 0.25, 1.25, 0.5), Epoch(2, 1.0, 0.5, 0.75, 0.625), Epoch(3, 0.5, 0.75, 0.875, 0.5, FINE_TUNING)]


@pytest.fixture
def history(tmp_path: Path) -> Path:
    write_history(tmp_path / "history.csv", EPOCHS, EPOCHS[1])
    return tmp_path / "history.csv"


def test_what_is_written_is_read(history: Path) -> None:
    found = read_history(history)
    assert [row["kept"] for row in found] == [False, True, False]
    assert [row["phase"] for row in found] == ["head", "head", FINE_TUNING]
    assert found[0] == {
        "epoch": 1, "loss": 1.5, "accuracy": 0.25, "validation_loss": 1.25, "validation_accuracy": 0.5,
        "phase": "head", "kept": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new"),
    [("true", "trUe"), ("true", "false"), ("false", "true"), ("\n2,", "\n3,"), ("accuracy", "accurady"), ("1.5", "x")],
)
def test_what_train_never_writes_is_refused(history: Path, old: str, new: str) -> None:
    history.write_text(history.read_text().replace(old, new, 1))
    with pytest.raises(DataError, match="The history must be CSV as train writes it"):
        read_history(history)


def test_every_flipped_bit_of_a_word_is_refused(history: Path) -> None:
    text = history.read_bytes()
    words = [at for at, byte in enumerate(text) if chr(byte).isalpha() and text[:at].count(b"\n") in (0, 2)]
    for at in words:
        history.write_bytes(text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :])
        with pytest.raises(DataError, match="history"):
            read_history(history)
