"""A user's own evaluator, `module:function`: figures and columns of its own beside ours, from what the test gave.

It is called with a mapping: `sample_ids`, `groups` and `labels`, text `[N]`; `class_names`, text `[C]`;
`probabilities`, the network's own, float32 `[N, C]`; `widths` and `heights` in pixels, int64 `[N]`; `brightness`, 0 to
255, float64 `[N]`. It returns numbers, and columns of one value a sample, by name.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.parameters.own_function import failed, find_function
from components.parameters.roles import EVALUATOR
from components.step.errors import DataError, one_line
from components.step.findings import Finding, finding, findings
from components.test.predictions import Prediction
from components.test.results import Results

Given = Mapping[str, NDArray[Any]]
NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
MOST = 50
PREFIX = "own_"  # Of metrics and columns, which then never have the name of one of ours.
KINDS = "biufU"  # Truth values, whole and other numbers, text.
LONGEST = 1000  # Characters of a text in a column.


@dataclass(frozen=True, slots=True)
class Figures:
    """What an evaluator gave: metrics, and columns of one value a sample, by name."""

    metrics: dict[str, float]
    columns: dict[str, list[Any]]


def with_own_figures(results: Results, name: str) -> Results:
    """Return `results` with what the evaluator called `name` makes of them, in metrics, statistics and predictions.

    Raises:
        UsageError: there is no such function, or it raises.
        DataError: it returns something else than the contract says, or something else when called again.
    """
    given = _given(results.tested.predictions, results.tested.probabilities, results.class_names)
    figures = evaluated(name, given)
    if evaluated(name, given) != figures:
        raise DataError(
            f"An evaluator must give the same figures each time. Received: --evaluator {one_line(name, 120)}, "
            "called twice. Draw from a seeded generator."
        )
    columns = [dict(zip(figures.columns, row, strict=True)) for row in zip(*figures.columns.values(), strict=True)]
    predictions = [
        replace(prediction, own={f"{PREFIX}{column}": value for column, value in row.items()})
        for prediction, row in zip(results.tested.predictions, columns or [{}] * len(given["labels"]), strict=True)
    ]
    return replace(
        results,
        tested=replace(results.tested, predictions=predictions),
        statistics={**results.statistics, "own": {"evaluator": name, "metrics": figures.metrics}},
        metrics={**results.metrics, **{f"{PREFIX}{metric}": value for metric, value in figures.metrics.items()}},
    )


def _given(predictions: Sequence[Prediction], probabilities: NDArray[np.float32], class_names: Sequence[str]) -> Given:
    return _unchangeable(
        {
            "sample_ids": np.array([p.filename for p in predictions]),
            "groups": np.array([p.group for p in predictions]),
            "labels": np.array([p.prediction_truth for p in predictions]),
            "class_names": np.array(class_names),
            "probabilities": probabilities.copy(),
            "widths": np.array([p.width for p in predictions], np.int64),
            "heights": np.array([p.height for p in predictions], np.int64),
            "brightness": np.array([p.brightness for p in predictions], np.float64),
        }
    )


def _unchangeable(given: dict[str, NDArray[Any]]) -> Given:
    for array in given.values():
        array.flags.writeable = False
    return given


def evaluated(name: str, given: Given) -> Figures:
    """Return what the evaluator called `name` gives for a test; the errors are those of `with_own_figures`."""
    evaluate = find_function(name, EVALUATOR)
    try:
        made = evaluate(dict(given))
    except Exception as error:
        raise failed(name, error, EVALUATOR) from error
    if not isinstance(made, Mapping) or len(made) > MOST:
        raise _refusal(name, f"at most {MOST} figures by name", type(made).__name__)
    metrics, columns = dict[str, float](), dict[str, list[Any]]()
    for key, value in made.items():
        if not isinstance(key, str) or not NAME.fullmatch(key):
            raise _refusal(name, "figures names of small letters, digits and '_'", repr(key))
        if isinstance(value, bool | int | float | np.number | np.bool_):
            metrics[key] = _finite(name, key, np.asarray(value, np.float64)).item()
        else:
            columns[key] = _column(name, key, value, len(given["labels"]))
    return Figures(metrics, columns)


def _column(name: str, key: str, value: Any, samples: int) -> list[Any]:
    array = value if isinstance(value, np.ndarray) else np.array(value if isinstance(value, list | tuple) else None)
    if array.shape != (samples,) or array.dtype.kind not in KINDS:
        found = f"{array.dtype} {list(array.shape)}" if array.dtype != object else type(value).__name__
        raise _refusal(name, f"numbers, or columns of one number or text a sample, [{samples}]", f"{key}: {found}")
    if array.dtype.kind == "U":
        return [one_line(text, LONGEST) for text in array.tolist()]
    values: list[Any] = _finite(name, key, array).tolist()
    return values


def _finite(name: str, key: str, array: NDArray[Any]) -> NDArray[Any]:
    if not np.isfinite(array).all():
        raise _refusal(name, "finite numbers", f"{key}: {array[~np.isfinite(array)].ravel()[0]}")
    return array


def _refusal(name: str, rule: str, received: str) -> DataError:
    return DataError(
        f"An evaluator must give {rule}. "
        f"Received: --evaluator {one_line(name, 120)}: {one_line(received, 120)}. Correct it."
    )


def check_evaluator(name: str) -> Iterator[Finding]:
    """Yield what each rule finds for the evaluator called `name`, on a made-up test of 12 samples and 3 classes."""
    find_function(name, EVALUATOR)
    called = finding("called", lambda: _check_called(name))
    yield called
    if called.kept:  # Else each would say the same.
        yield from findings(
            {"deterministic": lambda: _check_repeats(name), "other tests": lambda: _check_smallest(name)}
        )


def made_up(samples: int) -> Given:
    """Return what a test of `samples` images, of 3 classes, might give."""
    random, class_names = np.random.default_rng(samples), ["apple", "banana", "pear"]
    return _unchangeable(
        {
            "sample_ids": np.array([f"{index:02}.jpg" for index in range(samples)]),
            "groups": np.array([f"{index // 2:02}" for index in range(samples)]),
            "labels": random.choice(class_names, samples),
            "class_names": np.array(class_names),
            "probabilities": random.dirichlet([1, 1, 1], samples).astype(np.float32),
            "widths": random.integers(20, 90, samples),
            "heights": random.integers(20, 90, samples),
            "brightness": random.uniform(0, 255, samples),
        }
    )


def _check_called(name: str) -> str:
    figures = evaluated(name, made_up(12))
    return f"metrics: {', '.join(figures.metrics) or 'none'}; columns: {', '.join(figures.columns) or 'none'}"


def _check_repeats(name: str) -> str:
    if evaluated(name, made_up(12)) != evaluated(name, made_up(12)):
        raise DataError("the same test gives other figures: draw from a seeded generator")
    return "same test, same figures"


def _check_smallest(name: str) -> str:
    whole, one = evaluated(name, made_up(12)), evaluated(name, made_up(1))
    if (whole.metrics.keys(), whole.columns.keys()) != (one.metrics.keys(), one.columns.keys()):
        raise DataError("a test of one sample gives figures of other names")
    return "a test of one sample gives the same figures by name"
