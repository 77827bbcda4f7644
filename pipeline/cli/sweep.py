"""`pawline sweep`: a run for each combination of parameters on one dataset and one split, then their comparison."""

import argparse
from collections.abc import Mapping

from rich.console import Console
from rich.text import Text

from components.step.counts import counted
from components.step.durations import duration
from components.step.errors import DataError, PawlineError, UsageError, one_line
from components.step.files import json_text
from pipeline.cli.run import checked_parameters, ended_in_order_by_signals, last_lines_shown, with_sample
from pipeline.compiled import CompiledPipeline, load_pipeline
from pipeline.local.delivery import deliver
from pipeline.local.display import LINE_LIMIT, RunDisplay, short_path
from pipeline.local.folder import check_run_id, new_run_folder
from pipeline.local.hold import held_by_a_run
from pipeline.local.record import RunRecord
from pipeline.local.run import StepFailed, run_pipeline
from pipeline.sweep.grid import read_grid, swept_part
from pipeline.sweep.runs import Candidate, Sweep

LONGEST_ID = 60  # The candidates' ids are longer and have their limit too.


def sweep(arguments: argparse.Namespace) -> None:
    """Run every candidate as the command line's `arguments` say, and compare those that succeed.

    Raises:
        UsageError: a parameter, file or option is not legal; nothing has been run.
        StepFailed: a step that all candidates share failed.
        DataError: a candidate failed; the others have been run and compared.
        ServiceError: the runs' folder cannot be written.
    """
    pipeline = swept_part(load_pipeline(arguments.pipeline))
    candidates = _candidates(arguments, pipeline)
    console = Console(stderr=True, highlight=False)
    with ended_in_order_by_signals():
        begun = _begun(arguments, pipeline, candidates, console)
        try:
            with held_by_a_run(begun.folder):  # Its candidates lean on it.
                failed = _run_candidates(begun, console)
        except BaseException:
            console.print(f"the same command with --run-id {begun.folder.name} goes on", markup=False, soft_wrap=True)
            raise
    for name, text in deliver(begun.folder.parent, console).as_results().items():
        console.print(f"{name}: {text}", markup=False, soft_wrap=True)
    _compare(begun, failed, as_table=not arguments.json)
    if failed:
        raise DataError(
            f"Every candidate must succeed. Received: {len(failed)} of {len(candidates)} failed. "
            f"Read their logs; the same command with --run-id {begun.folder.name} tries them again."
        )


def _candidates(arguments: argparse.Namespace, pipeline: CompiledPipeline) -> list[Candidate]:
    grid = read_grid(arguments.param, pipeline, arguments.max)
    # All before the first makes anything.
    checked = [checked_parameters(_as_run(arguments, values), pipeline) for values in grid]
    return [
        Candidate(number, with_sample(arguments, pipeline, parameters), _setting(values, grid))
        for number, (parameters, values) in enumerate(zip(checked, grid, strict=True), 1)
    ]


def _as_run(arguments: argparse.Namespace, values: Mapping[str, str]) -> argparse.Namespace:
    return argparse.Namespace(**vars(arguments) | {"param": [f"{name}={text}" for name, text in values.items()]})


def _setting(values: Mapping[str, str], grid: list[dict[str, str]]) -> str:
    own = {name: text for name, text in values.items() if any(other[name] != text for other in grid)}
    return ", ".join(f"{name}={one_line(text, 60)}" for name, text in own.items())


def _begun(
    arguments: argparse.Namespace, pipeline: CompiledPipeline, candidates: list[Candidate], console: Console
) -> Sweep:
    """Return the sweep, its shared steps done, now or when it was begun."""
    run_id = arguments.run_id
    check_run_id(run_id)
    if run_id is not None and len(run_id) > LONGEST_ID:
        raise UsageError(
            f"A sweep's --run-id has at most {LONGEST_ID} characters. Received: {len(run_id)}. Shorten it."
        )
    if run_id is not None and (arguments.runs / run_id).is_dir():
        begun = Sweep((arguments.runs / run_id).resolve(), pipeline, candidates)
        begun.check_plan()
        return begun
    begun = Sweep(new_run_folder(arguments.runs, run_id), pipeline, candidates)
    _heading(console, f"sweep {begun.folder.name}: {counted(len(candidates), 'candidate')} on one dataset and split")
    _run(begun.shared_part(), begun.shared_record(), console)
    begun.write_plan()
    return begun


def _run_candidates(begun: Sweep, console: Console) -> dict[str, str]:
    """Run every candidate that has not succeeded yet; return why the others did not, by setting."""
    failed = {}
    for candidate in begun.candidates:
        place = f"candidate {candidate.number} of {len(begun.candidates)}: {candidate.setting}"
        if done := begun.finished(candidate):
            _heading(console, f"{place}: done before, in {short_path(done)}")
            continue
        _heading(console, place)
        try:
            record = begun.new_record(candidate)
            _run(begun.pipeline, record, console)
            console.print(f"succeeded after {duration(record.seconds)}", style="green")
        except PawlineError as error:
            failed[candidate.setting] = _reason(error)
            console.print(Text(f"failed: {one_line(error, LINE_LIMIT)}", style="bold red"), soft_wrap=True)
    return failed


def _reason(error: PawlineError) -> str:
    """Return why a candidate failed as its step has said it, without the paths of this machine that the rest has."""
    said = f"{error.step}: {error.lines[-1]}" if isinstance(error, StepFailed) and error.lines else str(error)
    return one_line(said, LINE_LIMIT)


def _run(pipeline: CompiledPipeline, record: RunRecord, console: Console) -> None:
    display = RunDisplay(console, record.steps)
    with last_lines_shown(console), display.live():
        run_pipeline(pipeline, record, display)


def _heading(console: Console, text: str) -> None:
    console.print(Text(text, style="bold"), soft_wrap=True)


def _compare(begun: Sweep, failed: Mapping[str, str], as_table: bool) -> None:
    """Print and write the comparison of the candidates that have succeeded; of less than two a program gets names."""
    # numpy is not needed before.
    from pipeline.cli.compare import show_comparison

    finished = [folder for candidate in begun.candidates if (folder := begun.finished(candidate))]
    if len(finished) >= 2:  # Else the failures say all there is to say.
        places = (begun.folder / "comparison.html", begun.folder / "comparison.json")
        names = [str(folder) for folder in finished]
        show_comparison(names, begun.folder.parent, *places, failed=failed, as_table=as_table)
    elif not as_table:
        alone = [{"run": folder.name} for folder in finished]
        print(json_text({"best": None, "runs": alone, "failed": failed}), end="")
