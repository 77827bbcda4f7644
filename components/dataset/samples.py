"""Samples and the CSV tables that carry them from step to step."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Literal

from components.step.errors import DataError, one_line
from components.step.files import atomic_write
from components.step.regular_files import open_regular_text

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True, order=True)
class Sample:
    """One image with its agreed label; width and height in pixels when upright, `sha256` of the encoded bytes.

    `given_split` is the split that came with the images and is to be kept; empty where Pawline splits.
    """

    sample_id: str
    label: str
    group: str
    sha256: str
    width: int
    height: int
    given_split: str = ""


COLUMNS = ["sample_id", "label", "group", "sha256", "width", "height"]
GIVEN_SPLIT = "given_split"  # A column only where samples have one, so that the tables of all others stay as they are.


def write_samples(path: Path, samples: Iterable[Sample]) -> None:
    """Write `samples` as CSV (RFC 4180, but unix line ends) with a header."""
    samples = list(samples)
    columns = columns_of(samples)
    _write(path, columns, map(attrgetter(*columns), samples))


def columns_of(samples: Iterable[Sample]) -> list[str]:
    """Return the columns of a table of `samples`."""
    return [*COLUMNS, GIVEN_SPLIT] if any(sample.given_split for sample in samples) else COLUMNS


def write_split_table(path: Path, samples: Iterable[Sample], split: Split) -> None:
    """Write `samples` as CSV with a last column `split`, which each consumer checks."""
    _write(path, [*COLUMNS, "split"], ((*attrgetter(*COLUMNS)(sample), split) for sample in samples))


def read_split_table(path: Path, split: Split) -> list[Sample]:
    """Return the samples of the table at `path`.

    Raises:
        DataError: there is no such table, it is another split's, or a row is damaged.
    """
    try:
        with open_regular_text(path) as file:
            return list(_checked(csv.reader(file, strict=True), path, split))
    except FileNotFoundError as error:
        raise DataError(f"The {split} table must exist. Received: {one_line(path)}. Run split first.") from error
    except (OSError, csv.Error, ValueError) as error:
        raise DataError(
            f"The {split} table must be CSV as split writes it. "
            f"Received: {one_line(path)}: {one_line(error, 120)}. Run split again."
        ) from error


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _checked(rows: Iterator[list[str]], path: Path, split: Split) -> Iterator[Sample]:
    if next(rows, None) != [*COLUMNS, "split"]:
        raise DataError(f"A {split} table must start with the columns {COLUMNS} and split. Received: {one_line(path)}.")
    for row in rows:
        if len(row) != len(COLUMNS) + 1:
            raise ValueError(f"row {one_line(row, 80)}")
        if row[-1] != split:
            raise DataError(
                f"The {split} table must hold {split} samples only. "
                f"Received: a row of split {one_line(repr(row[-1]), 40)} in {one_line(path)}. "
                "Check how the steps are wired."
            )
        yield Sample(row[0], row[1], row[2], row[3], int(row[4]), int(row[5]))
