"""The page of all commands, from their parsers: `python -m pipeline.cli.documentation` writes docs/commands.md."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from components.step.files import write_text
from pipeline.cli.command_parser import written_place
from pipeline.cli.parser import build_parser

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
HEAD = """\
# Commands

`pawline --help` and `pawline COMMAND --help` say the same. In brackets is what holds where an option is not given.
A RUN is a run's id, its folder, or `last`, the one begun last; a BUNDLE is one of these, a bundle's own folder,
`s3://bucket/prefix`, or `models:/name@alias` of MLflow's registry (that of the runs, unless the environment names one).
A run on a cluster is named by its id there, its name, or `last`.

Commands that speak with a cluster take from the environment: `PAWLINE_KFP_HOST` (the KFP API's address),
`PAWLINE_KFP_TOKEN` (a token that it takes, as of `oc whoami -t`), `PAWLINE_KFP_CA_BUNDLE` (a file, for a private CA),
`PAWLINE_KFP_NAMESPACE` (that of the runs), `PAWLINE_KFP_UI` (the address of its pages, if another),
`PAWLINE_PIPELINE_ROOT` (where it keeps artifacts, for logs and reports), and for pods `KUBECONFIG`.
In a pod the token is read where its service account has it (`KF_PIPELINES_SA_TOKEN_PATH`, or KFP's own place).
`PAWLINE_SERVER_TOKEN` is for servers of a model that ask for one.

Exit codes: 0 done; 1 bad data or a failed service; 2 bad usage; 130 stopped by Ctrl-C; a failed step's own code. Each
error is one line: what must be, what was received, what to do.

Completion: `eval "$(pawline completion bash)"` in `~/.bashrc`, likewise for zsh; for fish
`pawline completion fish > ~/.config/fish/completions/pawline.fish`.
"""


def commands_page() -> str:
    """Return the page as Markdown."""
    sections = (_section(command) for command in _commands(build_parser()))
    return "\n".join([HEAD, *(line for section in sections for line in section)])


def _commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield each command of `parser` that has none below it."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield parser
    for action in below:
        for command in action.choices.values():
            yield from _commands(command)


def _section(command: argparse.ArgumentParser) -> Iterator[str]:
    yield f"## {command.prog}\n"
    yield f"{command.description}\n"
    actions = [action for action in command._actions if action.dest != "help"]
    yield "| argument | what it is |\n| --- | --- |"
    for action in actions:
        yield f"| `{_written(action)}` | {_cell(action.help or '')} |"
    yield ""


def _written(action: argparse.Action) -> str:
    if not action.option_strings:
        return written_place(action)
    values = "/".join(map(str, action.choices)) if action.choices else action.metavar or action.dest.upper()
    return action.option_strings[0] if action.nargs == 0 else f"{action.option_strings[0]} {values}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    write_text(PAGE, commands_page())
