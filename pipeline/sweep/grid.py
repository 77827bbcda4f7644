"""The candidates of a sweep: every combination of the values that `--param name=value,value` lists."""

import math
from collections.abc import Mapping, Sequence
from itertools import product

from components.step.errors import UsageError, one_line
from pipeline.compiled import CompiledPipeline, Parameter, Step
from pipeline.parameters import read_value, split_assignment

SHARED, VARIED = ("extract", "split"), ("train", "test")
WHOLE = ("STRUCT", "LIST")  # JSON, whose commas are its own.


def swept_part(pipeline: CompiledPipeline) -> CompiledPipeline:
    """Return `pipeline` with the steps that a sweep runs: as far as the test, for no candidate is promoted.

    Raises:
        UsageError: one of those steps is missing.
    """
    steps = tuple(step for step in pipeline.steps if step.name in SHARED + VARIED)
    if missing := set(SHARED + VARIED) - {step.name for step in steps}:
        raise UsageError(f"A sweep needs the steps {', '.join(SHARED + VARIED)}. Received: none called {min(missing)}.")
    return CompiledPipeline(pipeline.name, pipeline.parameters, steps)


def read_grid(assignments: Sequence[str], pipeline: CompiledPipeline, most: int) -> list[dict[str, str]]:
    """Return the candidates, each with one value as text for every parameter that `assignments` give.

    The first parameter varies slowest. Each value has been read as its parameter's type.

    Raises:
        UsageError: an assignment is not legal, nothing has two values, a value is listed twice, there are more than
            `most` combinations, or a parameter with two values is not one that train or test alone take.
    """
    values = _values(assignments, pipeline.parameters)
    swept = [name for name, texts in values.items() if len(texts) > 1]
    if not swept:
        raise UsageError(
            "A sweep needs a parameter with two values or more. Received: none. Write --param backbone=vgg16,resnet50."
        )
    for name in swept:
        _check_varied(name, pipeline.steps)
    if (count := math.prod(map(len, values.values()))) > most:
        sizes = " x ".join(f"{len(values[name])} {name}" for name in swept)
        raise UsageError(
            f"A sweep has at most {most} candidates. Received: {sizes} = {count}. "
            f"List fewer values, or say --max {count}."
        )
    return [dict(zip(values, combination, strict=True)) for combination in product(*values.values())]


def _values(assignments: Sequence[str], declared: Mapping[str, Parameter]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for assignment in assignments:
        name, text = split_assignment(assignment, declared)
        pieces = [text] if declared[name].kind in WHOLE else text.split(",")
        if len(pieces) > 1 and "" in pieces:
            raise UsageError(
                f"Between two commas there must be a value. Received: {one_line(assignment, 120)}. "
                "Write the values with one comma between each two."
            )
        values.setdefault(name, []).extend(pieces)
    for name, texts in values.items():
        _check_different(name, [read_value(name, text, declared[name].kind) for text in texts])
    return values


def _check_different(name: str, found: Sequence[object]) -> None:
    for index, value in enumerate(found):
        if value in found[:index]:
            raise UsageError(
                f"A sweep takes each value once. Received: {name}={one_line(value, 80)} twice. Leave one out."
            )


def _check_varied(name: str, steps: Sequence[Step]) -> None:
    """Check that a step that every candidate runs takes the parameter `name`, and no step that they share."""
    takers = [step.name for step in steps if name in _taken(step)]
    if shared := [taker for taker in takers if taker in SHARED]:
        raise UsageError(
            f"A sweep's candidates share dataset and split. Received: several values of {name}, which {shared[0]} "
            "takes. Give it one value."
        )
    if not takers:
        raise UsageError(
            f"A swept parameter must change train or test. Received: {name}, which does not on this machine. "
            "Give it one value."
        )


def _taken(step: Step) -> set[str]:
    """Return the pipeline's parameters that are in the step's command."""
    words = " ".join(step.command)
    return {
        source["componentInputParameter"]
        for name, source in step.input_parameters.items()
        if "componentInputParameter" in source and f"{{{{$.inputs.parameters['{name}']}}}}" in words
    }
