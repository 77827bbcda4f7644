"""`pawline clean`: what can go is shown, removed on demand only, and never what a run still needs."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pipeline.cleanup.plan import Removable
from pipeline.cli import clean as command
from pipeline.cli.main import main
from pipeline.local.hold import held_by_a_run
from pipeline.local.record import RunRecord, StepState
from tests.support.recorded_runs import write
from tests.support.sealed_files import seal_again


def key(number: int) -> str:
    """Return the sha256-like name of thing `number`."""
    return f"{number:064x}"


def made(
    runs: Path, number: int, status: str = "succeeded", logged: bool = True, verdict: str = "kept champion"
) -> Path:
    """Write run `number`: dataset and checkpoint of that number, one day younger than the one before."""
    folder = runs / f"run{number}"
    steps = [StepState(name, "succeeded") for name in ("extract", "split", "train", "promote")]
    steps[0].parameters["fingerprint"] = key(number)
    steps[3].parameters["verdict"] = verdict
    record = RunRecord(folder, "pawline", {}, steps, status)  # type: ignore[arg-type]  # tests try others
    record.started = record.started.replace(year=2026, month=1, day=1 + number)
    (folder / "train").mkdir(parents=True)
    record.write()
    said = f"the checkpoint is kept as {key(100 + number)}\nfeatures are kept as {key(200 + number)}\n"
    (folder / "train" / "log.txt").write_text(said if logged else "nothing")
    for place in shared(number):
        write(runs / place / "content", number)
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for number in range(4):
        made(tmp_path / "runs", number)
    return tmp_path / "runs"


def cleaned(runs: Path, capsys: Any, *words: str) -> set[str]:
    """Return what `pawline clean` lists, relative to the runs."""
    assert main(["clean", "--runs", str(runs), "--json", *words]) == 0
    found = json.loads(capsys.readouterr().out)
    return {str(Path(item["path"]).relative_to(runs)) for item in found["items"]}


def shared(number: int) -> set[str]:
    return {
        f"datasets/{key(number)}",
        f"datasets/checkpoints/{key(100 + number)}",
        f"datasets/features/{key(200 + number)}",
    }


def files(runs: Path) -> set[str]:
    return {str(path.relative_to(runs)) for path in runs.rglob("*") if path.is_file()}


def test_it_is_shown_first_and_removed_with_yes(runs: Path, capsys: Any) -> None:
    (runs / "datasets" / "mine").mkdir()
    (runs / "notes.txt").write_text("mine")
    before = files(runs)
    expected = {"run0", "run1", *shared(0), *shared(1)}
    # Shared things of a run that is to go are unreferenced as soon as it is gone: at once, in one plan.
    assert cleaned(runs, capsys, "--keep", "2") == expected
    assert files(runs) == before
    assert cleaned(runs, capsys, "--keep", "2", "--yes") == expected
    assert files(runs) == {name for name in before if not any(name.startswith(f"{gone}/") for gone in expected)}
    assert cleaned(runs, capsys, "--keep", "2") == set()


def test_runs_that_stay_keep_what_they_lean_on(runs: Path, capsys: Any) -> None:
    def took_over(record: dict[str, Any]) -> dict[str, Any]:
        record["steps"][0]["reused_from"] = "run0"
        return record

    seal_again(runs / "run3" / "run.json", took_over)
    made(runs, 5, verdict="promoted")
    made(runs, 6)
    assert cleaned(runs, capsys, "--keep", "1") == {f"run{n}" for n in (0, 1, 2, 3)} | set().union(
        *map(shared, range(4))
    )
    assert cleaned(runs, capsys, "--keep", "3") == {"run1", "run2", *shared(1), *shared(2)}


def test_a_live_run_keeps_itself_and_what_runs_share(runs: Path, capsys: Any) -> None:
    seal_again(runs / "run0" / "run.json", lambda record: record | {"status": "running"})
    with held_by_a_run(runs / "run0"):
        assert cleaned(runs, capsys, "--keep", "0", "--yes") == {"run1", "run2", "run3"}
    assert (runs / "run0" / "run.json").exists()
    assert len(list((runs / "datasets" / "features").iterdir())) == 4


def test_a_run_that_does_not_say_what_it_shares_keeps_all_of_it(runs: Path, capsys: Any) -> None:
    made(runs, 4, logged=False)
    assert cleaned(runs, capsys, "--keep", "1") == {f"run{n}" for n in range(4)} | {
        f"datasets/{key(n)}" for n in range(4)
    }


def test_a_damaged_run_stays_and_what_runs_share(runs: Path, capsys: Any) -> None:
    (runs / "run0" / "run.json").write_text("{")
    assert cleaned(runs, capsys, "--keep", "1") == {"run1", "run2"}


def test_links_are_neither_followed_nor_removed(runs: Path, tmp_path: Path, capsys: Any) -> None:
    made(tmp_path / "others", 0)
    (runs / "link").symlink_to(tmp_path / "others" / "run0")
    (runs / "datasets" / "features" / key(9)).symlink_to(tmp_path / "others")
    before = files(tmp_path / "others")
    cleaned(runs, capsys, "--keep", "0", "--yes")
    assert files(tmp_path / "others") == before
    assert (runs / "link").is_symlink()


def test_queues_that_nobody_takes_and_leftovers_go(runs: Path, capsys: Any) -> None:
    for number, days in ((2, 40), (3, 1)):
        queue = runs / f"run{number}" / "test" / "tracking-queue"
        write(queue / "a.jsonl", {})
        os.utime(queue / "a.jsonl", (time.time() - days * 86_400,) * 2)
    (runs / "datasets" / ".partial-x").mkdir()
    assert cleaned(runs, capsys) == {"run2/test/tracking-queue", "datasets/.partial-x"}


@pytest.mark.parametrize("words", [["--keep", "-1"], ["--runs", "nowhere"]])
def test_what_cannot_be_cleaned_is_one_line(words: list[str], capsys: Any) -> None:
    assert main(["clean", *words]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("columns", [50, 80])
def test_the_list_is_legible(runs: Path, columns: int, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(command, "Console", lambda **options: Console(width=columns, **options))
    item = Removable("features", runs / "datasets" / "features" / key(7), "no run that stays needs it", 123_456_789)
    command._print([item], runs, removed=False)
    shown = capsys.readouterr().out.splitlines()
    assert max(map(len, shown[:-1])) <= columns
    assert shown[-1].startswith("123.5 MB can go")
    assert sum(line.count("0") for line in shown) == 63, "the name is whole"
