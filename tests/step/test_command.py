"""A step's command: its first log line runs it again, its errors are one line, its surprises keep their traceback."""

import argparse
import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from components.step.command import command_line, run_step, step_parser
from components.step.errors import DataError, PawlineError, ServiceError, UsageError
from components.step.outputs import ExecutorOutputs

HOSTILE_VALUES = [
    *(
        "",
        " ",
        "two words",
        "it's",
        'say "hi"',
        "-rf",
        "--name",
        "--name=x",
        "-1",
        "$HOME `id` $(id)",
        "a\\nb",
        "a\\'b",
    ),
    *(
        "first\nsecond",
        "a\tb\r\n",
        "\x1b[31mred",
        "(?P<document>.+)_page",
        "*?[a]",
        "~",
        "#x",
        "é 👍 ‮",
        "\x85\u2028",
        "!!",
    ),
    *("a=b", "=", "\\", "'", "\n", "{}", "%s"),
]
# What the kernel can hand to a process: no NUL, and bytes that are no UTF-8 as lone surrogates.
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


def parser() -> argparse.ArgumentParser:
    made = step_parser("sort", "Sort things.")
    made.add_argument("--name", required=True)
    made.add_argument("--group-pattern", default="")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--out", type=Path, default=Path("x"))
    return made


def run(argv: list[str], action: Callable[[argparse.Namespace, ExecutorOutputs], None] = lambda a, o: None) -> int:
    return run_step(parser(), argv, action)


def parsed(argv: list[str]) -> argparse.Namespace:
    """Return the arguments as the action gets them."""
    got: list[argparse.Namespace] = []
    assert run(argv, lambda arguments, _: got.append(arguments)) == 0
    return got[0]


def words_in_bash(command: str) -> list[str]:
    """Return the words that a shell makes of `command`, which is not run."""
    script = f"printf '%s\\0' {command}"
    done = subprocess.run(
        ["/bin/bash", "-c", script], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8", "HOME": "/"}
    )
    return [os.fsdecode(word) for word in done.stdout.split(b"\0")[:-1]]


@pytest.mark.parametrize("value", HOSTILE_VALUES)
def test_a_value_reaches_the_action_as_it_was_given(value: str) -> None:
    apart = parsed(["--name", value, "--group-pattern", value, "--seed", "-3"])
    joined = parsed([f"--name={value}", f"--group-pattern={value}", "--seed=-3"])
    assert (apart.name, apart.group_pattern, apart.seed) == (value, value, -3)
    assert apart == joined


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=25)
@given(st.tuples(WORDS, WORDS))
@example(("", "-x"))
@example(tuple(HOSTILE_VALUES[12:14]))
@example((" ".join(HOSTILE_VALUES), "\udcff-not-utf-8"))
def test_the_first_log_line_is_a_command_that_runs_the_step_again(
    capsys: pytest.CaptureFixture[str], values: tuple[str, str]
) -> None:
    capsys.readouterr()
    arguments = parsed(["--name", values[0], "--group-pattern", values[1], "--executor-input", '{"outputs": {}}'])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, "one event, one line"
    found = re.fullmatch(r"\d\d:\d\d:\d\d sort    \| (python -m components\.sort .*)", lines[0])
    assert found
    words = words_in_bash(found[1])
    assert words[:3] == ["python", "-m", "components.sort"]
    assert "--executor-input" not in words
    again = parsed(words[3:])
    arguments.executor_input = ""
    assert again == arguments


def test_the_command_of_plain_values_reads_plainly() -> None:
    arguments = parser().parse_args(["--name", "a b", "--seed", "3"])
    expected = "python -m components.sort --name 'a b' --group-pattern '' --seed 3 --out x"
    assert command_line(parser(), arguments) == expected


@pytest.mark.parametrize(("kind", "code"), [(UsageError, 2), (DataError, 1), (ServiceError, 1), (PawlineError, 1)])
def test_an_expected_error_is_one_line_and_its_exit_code(
    kind: type[PawlineError], code: int, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def fail(arguments: argparse.Namespace, outputs: ExecutorOutputs) -> None:
        outputs.parameter("count", 3)
        raise kind("It must be so.\nReceived: \x1b[31mname=x." + "y" * 10_000)

    executor_input = json.dumps({"outputs": {"outputFile": str(tmp_path / "out.json")}})
    assert run(["--name", "x", "--executor-input", executor_input], fail) == code
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert lines[-1].startswith("pawline sort: error: It must be so.\\nReceived: \\x1b[31mname=x.")
    assert len(lines) == 2
    assert len(lines[1]) < 2100
    assert captured.out == ""
    assert list(tmp_path.iterdir()) == [], "a failed step hands nothing on"


def test_an_unexpected_error_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        run(["--name", "x"], lambda arguments, outputs: print(1 / 0))


def test_outputs_are_written_when_the_action_returns(tmp_path: Path) -> None:
    place = {"outputs": {"outputFile": str(tmp_path / "out.json"), "parameters": {}}}
    assert (
        run(["--name", "x", "--executor-input", json.dumps(place)], lambda _, outputs: outputs.parameter("count", 3))
        == 0
    )
    assert json.loads((tmp_path / "out.json").read_text())["parameterValues"] == {"count": 3}


def test_a_bad_executor_input_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--name", "x", "--executor-input", "{{$}}"]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("pawline sort: error: --executor-input must be")


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["--name"],
        ["--nam", "x"],
        ["--name", "x", "--seed", "many"],
        ["--name", "x", "stray"],
        ["--name", "x", "-z"],
    ],
)
def test_bad_arguments_end_with_exit_code_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(argv)
    assert caught.value.code == 2
    assert "error:" in capsys.readouterr().err.splitlines()[-1]


def test_a_later_run_does_not_log_twice(capsys: pytest.CaptureFixture[str]) -> None:
    run(["--name", "x"])
    run(["--name", "x"])
    assert len(capsys.readouterr().err.splitlines()) == 2
