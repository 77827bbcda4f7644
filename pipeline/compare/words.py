"""What a comparison says in plain words, the same in the terminal and in HTML."""

from collections.abc import Sequence

from components.step.counts import counted
from components.step.errors import one_line
from pipeline.compare.comparison import Comparison

SIZE_AND_TRAINING = (
    "Size: the ONNX file. Training: the whole train step, when and where it ran, and the part of it that went into "
    "features, which a filled cache saves."
)


def headline(comparison: Comparison) -> str:
    """Return who is best, in a sentence."""
    right = [int(run.right.sum()) for run in comparison.runs]
    leaders = [one_line(run.name, 90) for run, found in zip(comparison.runs, right, strict=True) if found == right[0]]
    total = len(comparison.runs[0].samples)
    return f"{_and(leaders)} lead{'s' * (len(leaders) == 1)} with {right[0]} of {counted(total, 'test image')} right."


def notes(comparison: Comparison) -> list[str]:
    """Return what the paired tests say, and what a reader must bear in mind, a sentence or two each."""
    found = [_verdict(comparison)]
    samples, groups = len(comparison.runs[0].samples), len(set(comparison.runs[0].groups))
    if groups < samples:
        found.append(
            f"The {samples} test images are in {counted(groups, 'group')}, drawn whole by the intervals and with one "
            "vote each in McNemar's test."
        )
    found.append(
        "The best was picked on this very test set, which flatters it a little: measure the run you choose on images "
        "that none has seen."
    )
    return found


def costs_note(comparison: Comparison) -> str:
    """Return how size, latency and training time were measured."""
    if not comparison.machine:
        return SIZE_AND_TRAINING
    version, cores = comparison.machine["onnxruntime"], comparison.machine["cores"]
    calls = min(cost.latency.calls for cost in comparison.costs if cost.latency)
    return (
        f"Latency: the median of {calls} or more calls with one image, the network alone, measured for this comparison "
        f"on {counted(cores, 'core')} of the machine that made it, with ONNX Runtime {version}. {SIZE_AND_TRAINING}"
    )


def _verdict(comparison: Comparison) -> str:
    worse = [pair.second for pair in comparison.against_best if pair.beyond_chance]
    alike = [pair.second for pair in comparison.against_best if not pair.beyond_chance]
    pairs = len(comparison.pairs)
    over = f"Holm's correction over {pairs} pairs" if pairs > 1 else "one pair"
    tests = f"(at 5 %, McNemar's exact test, {over})"
    if not worse:
        return f"No difference to the best is beyond chance {tests}."
    kept = f" What sets {_runs(alike)} apart may be chance." if alike else ""
    return f"Worse than the best beyond chance {tests}: {_runs(worse)}.{kept}"


def _runs(numbers: Sequence[int]) -> str:
    return f"run{'s' * (len(numbers) > 1)} {_and([str(number) for number in numbers])}"


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
