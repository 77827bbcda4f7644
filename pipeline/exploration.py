"""Pawline in a notebook: a step run with named arguments, reports and images shown inline, runs begun and compared.

Nothing here needs Jupyter: what is to be shown says so by `_repr_html_`, which every notebook asks for.
"""

import html
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from components.dataset.images import thumbnail
from components.dataset.samples import Sample
from components.dataset.snapshot import Dataset, open_dataset
from components.step.errors import ServiceError, one_line

PICTURE_SIDE = 72  # Pixels.


class Shown:
    """HTML that a notebook shows in place of this."""

    def __init__(self, content: str) -> None:
        """Keep `content`, which is safe: whatever came from outside is escaped in it."""
        self.content = content

    def _repr_html_(self) -> str:
        return self.content


def step(verb: str, **arguments: object) -> None:
    """Run the step called `verb` in this process; its command's options are `arguments`, with `_` for `-`.

    Raises:
        ServiceError: it ended with another exit code than 0; it has said why.
    """
    words = [word for name, value in arguments.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    code = import_module(f"components.{verb}.step").main(words)
    if code != 0:
        raise ServiceError(f"A step must end with exit code 0. Received: {verb}={code}. Read what it said above.")


def report(path: Path, height: int = 640) -> Shown:
    """Return the report (HTML) at `path`, shown in a frame of `height` pixels that nothing can leave."""
    return _framed(Path(path).read_text(encoding="utf-8"), height)


def _framed(page: str, height: int) -> Shown:
    style = f"width: 100%; height: {height:d}px; border: 1px solid #ccc"
    return Shown(f'<iframe sandbox="allow-scripts" style="{style}" srcdoc="{html.escape(page)}"></iframe>')


def pictures(dataset_uri: str, per_class: int = 8) -> Shown:
    """Return the first `per_class` images of each class of the dataset at `dataset_uri`, small, with all counts.

    Raises:
        DataError: there is no complete dataset, or it is damaged.
        ServiceError: its store does not answer.
    """
    dataset = open_dataset(dataset_uri)
    return Shown("".join(_rows_of(dataset, dataset.samples(), per_class)))


def _rows_of(dataset: Dataset, samples: list[Sample], per_class: int) -> Iterator[str]:
    by_label: dict[str, list[Sample]] = {}
    for sample in samples:
        by_label.setdefault(sample.label, []).append(sample)
    chosen = [sample for of_label in by_label.values() for sample in of_label[:per_class]]
    shown = {sample.sample_id: _picture(sample, data) for sample, data in dataset.images(chosen)}
    for label, of_label in sorted(by_label.items()):
        row = "".join(shown[sample.sample_id] for sample in of_label[:per_class])
        yield f"<div><b>{html.escape(label)}</b> {len(of_label)}<br>{row}</div>"


def _picture(sample: Sample, data: bytes) -> str:
    name = html.escape(sample.sample_id)
    return f'<img src="{thumbnail(data, PICTURE_SIDE)}" title="{name}" alt="{name}" style="margin: 2px">'


def run(run_id: str, runs: Path, **parameters: Any) -> Path:
    """Run the whole pipeline with `parameters` as `pawline run` does, defaults for the rest; return the run's folder.

    Raises:
        ServiceError: it ended with another exit code than 0; it has said why.
    """
    from pipeline.cli.main import main

    given = [word for name, value in parameters.items() for word in ("--param", f"{name}={value}")]
    code = main(["run", "--runs", str(runs), "--run-id", run_id, *given])
    if code != 0:
        raise ServiceError(f"A run must end with exit code 0. Received: {one_line(run_id)}={code}. Read what it said.")
    return Path(runs) / run_id


def comparison(runs: Path, *names: str) -> Shown:
    """Return the runs called `names` in the folder `runs` side by side, as `pawline compare` writes them.

    Raises:
        UsageError: fewer than two runs, one twice, or one that is not there.
        DataError: a run has not been tested, is damaged, or was tested on other samples.
    """
    from pipeline.compare.comparison import compare
    from pipeline.compare.report import render_comparison
    from pipeline.compare.runs import read_runs

    return _framed(render_comparison(compare(read_runs(names, Path(runs)), with_latency=False), {}), height=640)
