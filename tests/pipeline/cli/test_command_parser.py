"""What the command line refuses: one line each, with the nearest name to what was mistyped."""

import argparse
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import VERSION
from pipeline.cli.main import main
from pipeline.cli.parser import build_parser


def parsers(words: str, parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """`parser` and every command's below it, by their words; that of `pawline` itself is under ""."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    found = {words: parser}
    for name, command in (named for action in below for named in action.choices.items()):
        found |= parsers(f"{words} {name}".strip(), command)
    return found


COMMANDS = parsers("", build_parser())
OPTIONS = [
    (name, option)
    for name, parser in COMMANDS.items()
    for action in parser._actions
    for option in action.option_strings
    if len(option) > 5
]


def refused(capsys: Any, *words: str) -> str:
    """Return the one line with which `words` are refused."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert ": error: " in line
    assert "Received: " in line
    return str(line)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name])
def test_a_mistyped_command_gets_the_right_one(name: str, capsys: Any) -> None:
    *above, last = name.split()
    assert f"Did you mean {last}? " in refused(capsys, *above, f"{last[0]}x{last[1:]}")


@pytest.mark.parametrize("name", [name for name, parser in COMMANDS.items() if len(parsers(name, parser)) == 1])
def test_what_has_its_place_is_not_an_option(name: str, capsys: Any) -> None:
    """As `--run last`, which other programs have."""
    places = [action for action in COMMANDS[name]._actions if not action.option_strings]
    given = [str(next(iter(place.choices))) if place.choices else "x" for place in places]
    for place in places:
        option = f"--{str(place.metavar).lower()}"
        if option not in COMMANDS[name]._option_string_actions:
            words = [*name.split(), *given, option]
            assert f"{place.metavar} is written without {option}. " in refused(capsys, *words)


@pytest.mark.parametrize(("name", "option"), OPTIONS, ids=" ".join)
def test_a_mistyped_option_gets_the_right_one(name: str, option: str, capsys: Any) -> None:
    mistyped = option[:-2] + option[-1] + option[-2] if option[-2] != option[-1] else option + "x"
    needed = [
        next(iter(action.choices), "x") if action.choices and name else "x"
        for action in COMMANDS[name]._actions
        if not action.option_strings and action.nargs not in ("?", "*") and name
    ]
    words = [*name.split(), *needed, mistyped]
    assert f"Did you mean {option}? " in refused(capsys, *(words if name else [mistyped, "run"]))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "command"),
        (["compare"], "RUN"),
        (["sample", "a", "b"], "b, which is one too many"),
        (["sweep", "--max", "many"], "invalid int value: 'many'"),
        (["run", "--param"], "expected one argument"),
        (["open", "last", "--report", "tset"], "Did you mean test?"),
        (["run", "--par", "x=1"], "Did you mean --param?"),  # No abbreviations: a later option would change them.
        (["logs", "last", "--step", "train"], "Received: --step. STEP is written without --step."),
    ],
)
def test_what_else_is_wrong_is_one_line_too(words: list[str], said: str, capsys: Any) -> None:
    assert said in refused(capsys, *words)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=4))
def test_no_words_break_the_line(words: list[str]) -> None:
    parser = build_parser()
    said: list[str] = []
    for each in (parser, *COMMANDS.values()):
        each._print_message = lambda message, file=None: said.append(message)  # type: ignore[method-assign]
    try:
        parser.parse_args(words)
    except SystemExit as ended:
        if ended.code:
            assert len("".join(said).splitlines()) <= 1


def test_the_version_is_the_programs_own(capsys: Any) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"pawline {VERSION}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_and_option_has_help(name: str) -> None:
    parser = COMMANDS[name]
    assert parser.description
    assert [action.dest for action in parser._actions if not action.help and action.dest != "command"] == []
