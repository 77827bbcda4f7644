"""Completion by the shell: `pawline completion` prints what the shell needs, and argcomplete does the rest."""

import argparse
from typing import Any

from components.step.errors import PawlineError, UsageError
from pipeline.compilation import COMPILED_PIPELINE
from pipeline.local.folder import LAST
from pipeline.local.references import run_folders

RUNS = ("run", "bundle", "resume")  # Arguments that a run's id stands for.


def print_shell_code(arguments: argparse.Namespace) -> None:
    """Print the code for the shell that the command line's `arguments` name.

    Raises:
        UsageError: argcomplete is not installed.
    """
    try:
        from argcomplete.shell_integration import shellcode
    except ImportError as error:
        raise UsageError(
            "Completion needs argcomplete. Received: no such package. Install it: pip install argcomplete."
        ) from error
    print(shellcode(["pawline"], shell=arguments.shell))


def complete(parser: argparse.ArgumentParser) -> None:
    """Answer the shell that asks by its environment what may come next, and exit; return where nobody answers."""
    try:
        import argcomplete
    except ImportError:
        return
    for action in _actions(parser):
        if action.dest in RUNS:
            action.completer = _run_ids  # type: ignore[attr-defined]  # argcomplete's own attribute
        if action.dest == "param":
            action.completer = _assignments  # type: ignore[attr-defined]
    argcomplete.autocomplete(parser)


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    found: list[argparse.Action] = []
    for action in parser._actions:  # argparse has no public list.
        below = action.choices.values() if isinstance(action, argparse._SubParsersAction) else ()
        found += [action, *(inner for each in below for inner in _actions(each))]
    return found


def _run_ids(prefix: str, parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    # Of runs on a cluster, the shell is told `last` alone: asking the cluster would take too long.
    names = [LAST, *(folder.name for folder in (run_folders(parsed_args.runs) if "runs" in parsed_args else ()))]
    return [name for name in names if name.startswith(prefix)]


def _assignments(prefix: str, **_: Any) -> list[str]:
    from pipeline.compiled import load_pipeline

    try:
        declared = load_pipeline(COMPILED_PIPELINE).parameters
    except PawlineError:
        return []
    return [f"{name}=" for name in declared if name.startswith(prefix)]
