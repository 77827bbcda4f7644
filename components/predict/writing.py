"""Answers as lines for people, as CSV and as JSON, each written as it comes."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TextIO

from components.inference.model import Model
from components.predict.labelling import Answer
from components.step.errors import PawlineError, one_line
from components.step.spreadsheets import inert

Write = Callable[[TextIO, Model, Iterable[Answer]], None]


def write_lines(file: TextIO, model: Model, answers: Iterable[Answer]) -> None:
    """Write a line for each answer: confidence, class, file; none for a file that could not be read."""
    width = min(24, max(map(len, model.class_names)))
    for answer in answers:
        if answer.described:
            found = answer.described
            line = f"{found['confidence']:6.1%}  {found['class']:<{width}}  {answer.filename}"
            file.write(f"{one_line(line, 4000)}\n")


def write_csv(file: TextIO, model: Model, answers: Iterable[Answer]) -> None:
    """Write a row for each answer: file, class, confidence, why not, and every class's probability.

    No cell is a formula to a spreadsheet, whatever a file or class is called.
    """
    writer = csv.writer(file, lineterminator="\n")
    head = ["filename", "class", "confidence", "error", *(f"probability {name}" for name in model.class_names)]
    writer.writerow(head)
    for answer in answers:
        writer.writerow([inert(cell) for cell in _row(answer, model.class_names)])


def _row(answer: Answer, class_names: Sequence[str]) -> Iterator[str]:
    found = answer.described
    yield _text(answer.filename)
    yield found["class"] if found else ""
    yield repr(found["confidence"]) if found else ""
    yield one_line(answer.error, 1000) if answer.error else ""
    yield from (repr(found["probabilities"][name]) if found else "" for name in class_names)


def write_json(file: TextIO, model: Model, answers: Iterable[Answer]) -> None:
    """Write one object: the model, and the answers as the server's batch gives them; `error` if they are not all."""
    file.write(f'{{"model": {json.dumps(model.identity)},\n"predictions": [')
    separator = "\n"
    try:
        for answer in answers:
            said = answer.described or {"error": one_line(answer.error, 1000)}
            file.write(f"{separator}{json.dumps({'filename': _text(answer.filename), **said}, ensure_ascii=False)}")
            separator = ",\n"
    except (PawlineError, KeyboardInterrupt) as error:  # What is written by now can be read all the same.
        file.write(f'\n],\n"error": {json.dumps(one_line(str(error) or "stopped", 1000))}}}\n')
        raise
    file.write("\n]}\n")


def _text(filename: str) -> str:
    """Return `filename` as text that every file can hold: bytes of it that are no UTF-8 are spelled out."""
    return filename.encode("utf-8", "backslashreplace").decode()


FORMATS: dict[str, Write] = {"text": write_lines, "csv": write_csv, "json": write_json}
