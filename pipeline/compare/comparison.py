"""Several runs on one test set: how good each is, what is beyond chance, what differs, and what each costs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from components.bundle.latency import Latency, measure_latency, measured_on
from components.bundle.manifest import ONNX_NETWORK
from components.step.errors import DataError, one_line
from pipeline.compare.pairs import Pair, paired_tests
from pipeline.compare.runs import TestedRun
from pipeline.local.placeholders import text_of

ABSENT = "–"  # noqa: RUF001  # A parameter that a run's pipeline did not have.


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run's model takes: bytes of its ONNX network, its latency if measured, seconds of its training.

    `feature_seconds` is the part of the training that a filled feature cache saves; None where train has not told it.
    """

    onnx_bytes: int
    latency: Latency | None
    training_seconds: float | None
    feature_seconds: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs on one test set, the best first; `costs` in their order, `pairs` by their numbers from 1.

    `differing` has the parameters that differ as texts in the runs' order, `machine` what the latency was measured on.
    """

    runs: Sequence[TestedRun]
    pairs: Sequence[Pair]
    differing: Mapping[str, Sequence[str]]
    costs: Sequence[Cost]
    machine: Mapping[str, Any]

    @property
    def against_best(self) -> list[Pair]:
        """The pairs of the best run with each of the others, in the runs' order."""
        return [pair for pair in self.pairs if pair.first == 1]

    @property
    def settings(self) -> list[str]:
        """What tells each run from the others, in words, in the runs' order."""
        return [
            ", ".join(f"{name}={one_line(values[index], 60)}" for name, values in self.differing.items())
            for index in range(len(self.runs))
        ]


def compare(runs: Sequence[TestedRun], with_latency: bool = True) -> Comparison:
    """Return the comparison of `runs`, comparable as `read_runs` gives them; the most accurate is the best.

    Equally accurate ones come in the order of their macro F1, then in the order given. `with_latency` measures now.

    Raises:
        DataError: a bundle's ONNX network is missing, damaged or does not run.
    """
    ranked = sorted(runs, key=lambda run: (-int(run.right.sum()), -run.metrics["macro_f1"].value))
    costs = [_cost(run, with_latency) for run in ranked]
    return Comparison(ranked, paired_tests(ranked), _differing(ranked), costs, measured_on() if with_latency else {})


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Return `comparison` as plain JSON values."""
    first = comparison.runs[0]
    return {
        "best": first.name,
        "dataset_fingerprint": first.fingerprint,
        "test_samples": len(first.samples),
        "test_groups": len(set(first.groups)),
        "runs": [_run_as_json(comparison, index) for index in range(len(comparison.runs))],
        "pairs": [asdict(pair) | {"beyond_chance": pair.beyond_chance} for pair in comparison.pairs],
        "latency_measured_on": dict(comparison.machine),
    }


def _run_as_json(comparison: Comparison, index: int) -> dict[str, Any]:
    run = comparison.runs[index]
    return {
        "number": index + 1,
        "run": run.name,
        "backbone": run.manifest.backbone,
        "differing_parameters": {name: values[index] for name, values in comparison.differing.items()},
        "right": int(run.right.sum()),
        "metrics": {key: asdict(found) for key, found in run.metrics.items()},
        **asdict(comparison.costs[index]),
    }


def _cost(run: TestedRun, with_latency: bool) -> Cost:
    network = run.bundle / ONNX_NETWORK
    try:
        size = network.stat().st_size
    except OSError as error:
        raise DataError(
            f"A run's bundle must be complete. Received: {one_line(network)}: {error.strerror}. Leave the run out."
        ) from error
    latency = measure_latency(run.bundle, run.manifest) if with_latency else None
    return Cost(size, latency, run.seconds.get(""), run.seconds.get("features"))


def _differing(runs: Sequence[TestedRun]) -> dict[str, list[str]]:
    names = dict.fromkeys(name for run in runs for name in run.parameters)
    texts = {name: [_text(run.parameters, name) for run in runs] for name in names}
    return {name: values for name, values in texts.items() if len(set(values)) > 1}


def _text(parameters: Mapping[str, Any], name: str) -> str:
    return text_of(parameters[name]) if name in parameters else ABSENT
