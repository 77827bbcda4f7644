"""split: the samples of a dataset into train, validation and test."""

import argparse
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from operator import attrgetter
from pathlib import Path

from components.dataset.samples import SPLITS, Sample, Split, write_split_table
from components.dataset.snapshot import open_dataset
from components.parameters.splitting import METHODS, check_method, check_ratios
from components.split.assignment import (
    Ratios,
    as_given,
    assign_stable,
    assign_stratified,
    check_every_class_everywhere,
    count_groups,
)
from components.step.command import run_step, step_parser
from components.step.counts import counted
from components.step.errors import one_line
from components.step.files import write_text
from components.step.outputs import ExecutorOutputs

log = logging.getLogger("pawline")


def split_samples(
    samples: Sequence[Sample], ratios: Ratios, *, method: str = "stratified", seed: int = 0
) -> dict[Split, list[Sample]]:
    """Return `samples` by split, sorted by sample_id; groups stay whole, and the same input gives the same output.

    Samples that came with a split, which extract was told to keep, stay in it, whatever ratios, method and seed say.

    Raises:
        UsageError: the ratios or the method are not legal.
        DataError: a class cannot be in all three splits; names it.
    """
    check_ratios(ratios)
    check_method(method)
    if any(sample.given_split for sample in samples):
        return as_given(samples)
    counts = count_groups(samples)
    stable = method == "stable"
    assignment = assign_stable(counts, ratios, seed) if stable else assign_stratified(samples, ratios, seed)
    check_every_class_everywhere(assignment, counts)
    splits: dict[Split, list[Sample]] = {split: [] for split in SPLITS}
    for sample in sorted(samples, key=attrgetter("sample_id")):
        splits[assignment[sample.group]].append(sample)
    return splits


def markdown_summary(splits: Mapping[Split, Sequence[Sample]]) -> str:
    """Return a Markdown table of samples per class and split, with totals and groups."""
    counts = {split: Counter(sample.label for sample in samples) for split, samples in splits.items()}
    labels = sorted(set().union(*counts.values()))
    rows: list[list[object]] = [[_escaped(label), *(counts[split][label] for split in SPLITS)] for label in labels]
    rows.append(["**samples**", *(len(splits[split]) for split in SPLITS)])
    rows.append(["**groups**", *(len({sample.group for sample in splits[split]}) for split in SPLITS)])
    head: list[list[object]] = [["class", *SPLITS], ["---", *("---:" for _ in SPLITS)]]
    return "# Split\n\n" + "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in head + rows)


def _escaped(label: str) -> str:
    # Labels come from outside: nothing in them may end the cell or become markup.
    return "".join(f"&#{ord(c)};" if c in "|<>&`*_[]()!\\#~" else c for c in one_line(label, 80))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `python -m components.split`."""
    parser = step_parser("split", "Split the samples of a dataset into train, validation and test.")
    parser.add_argument("--dataset-uri", required=True, help="the dataset that extract wrote")
    parser.add_argument("--train-ratio", type=float, default=0.8)
    parser.add_argument("--validation-ratio", type=float, default=0.1)
    parser.add_argument("--test-ratio", type=float, default=0.1)
    parser.add_argument(
        "--method", default="stratified", help=f"{' or '.join(METHODS)} (adding samples moves no old one)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--train-samples", required=True, type=Path, help="where to write the train table (CSV)")
    parser.add_argument(
        "--validation-samples", required=True, type=Path, help="where to write the validation table (CSV)"
    )
    parser.add_argument("--test-samples", required=True, type=Path, help="where to write the test table (CSV)")
    parser.add_argument("--summary", required=True, type=Path, help="where to write the summary (Markdown)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the step's command; return its exit code."""
    return run_step(build_parser(), argv, _act)


def _act(arguments: argparse.Namespace, outputs: ExecutorOutputs) -> None:
    ratios = {split: getattr(arguments, f"{split}_ratio") for split in SPLITS}
    check_ratios(ratios)  # Before the dataset is read: a mistake should not cost a download.
    dataset = open_dataset(arguments.dataset_uri)
    samples = dataset.samples()
    splits = split_samples(samples, ratios, method=arguments.method, seed=arguments.seed)
    if any(sample.given_split for sample in samples):
        log.info("the split given with the images is kept; ratios, method and seed do not count")
    for split, samples in splits.items():
        write_split_table(getattr(arguments, f"{split}_samples"), samples, split)
        outputs.metadata(f"{split}_samples", {"samples": len(samples), "seed": arguments.seed})
        log.info("%s: %s", split, counted(len(samples), "sample"))
    write_text(arguments.summary, markdown_summary(splits))
