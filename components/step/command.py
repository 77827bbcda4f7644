"""What every step's command has in common: its parser, its log and how its errors end."""

import argparse
import logging
import os
import shlex
import sys
from collections.abc import Callable, Sequence

from components.step.errors import PawlineError, one_line
from components.step.outputs import EXECUTOR_INPUT_HELP, ExecutorOutputs
from components.step.secrets import no_secrets_said

log = logging.getLogger("pawline")

# How a line begins that a person must see, whoever filters the log.
WARNING = "warning: "

Action = Callable[[argparse.Namespace, ExecutorOutputs], None]


def step_parser(verb: str, description: str) -> argparse.ArgumentParser:
    """Return the parser of the step called `verb`, with what KFP passes to every step."""
    parser = argparse.ArgumentParser(prog=f"python -m components.{verb}", description=description, allow_abbrev=False)
    parser.add_argument("--executor-input", default="", help=EXECUTOR_INPUT_HELP)
    return parser


@no_secrets_said()
def run_step(parser: argparse.ArgumentParser, argv: Sequence[str] | None, action: Action) -> int:
    """Parse `argv`, run `action`, write the executor output; return the exit code.

    A PawlineError ends as one line on stderr and its exit code; anything else keeps its traceback.
    """
    arguments = parser.parse_args(_joined(parser, sys.argv[1:] if argv is None else argv))
    verb = parser.prog.rpartition(".")[2]
    log_to_stderr(verb)
    log.info("%s", command_line(parser, arguments))
    try:
        outputs = ExecutorOutputs(arguments.executor_input)
        action(arguments, outputs)
        outputs.write()
    except PawlineError as error:
        print(f"pawline {verb}: error: {one_line(error, 2000)}", file=sys.stderr, flush=True)
        return error.exit_code
    return 0


def command_line(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> str:
    """Return the command that runs this step again, KFP's executor input left out."""
    words = parser.prog.split()
    for action in parser._actions:  # argparse has no public list of its options.
        if action.option_strings and action.dest not in ("help", "executor_input"):
            words += [action.option_strings[0], str(getattr(arguments, action.dest))]
    return " ".join(_quoted(word) for word in words)


def _joined(parser: argparse.ArgumentParser, argv: Sequence[str]) -> list[str]:
    # argparse takes a value that begins with "-", such as a pattern, for an option unless "=" joins it to its own.
    flags = {flag for action in parser._actions if action.nargs is None for flag in action.option_strings}
    words, joined = iter(argv), []
    for word in words:
        value = next(words, None) if word in flags else None
        joined.append(word if value is None else f"{word}={value}")
    return joined


def _quoted(word: str) -> str:
    if word.isprintable():
        return shlex.quote(word)
    # Bash's $'…', as a line end must not break the log's line in two.
    plain = (c if c.isprintable() and c not in "\\'" else _escaped(c) for c in word)
    return f"$'{''.join(plain)}'"


def _escaped(character: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))


def log_to_stderr(verb: str) -> None:
    """Let the log go to stderr, each line with the time and `verb`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LineFormatter(f"%(asctime)s {verb:<7} | %(message)s", datefmt="%H:%M:%S"))
    log.handlers = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False


class _LineFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        if record.levelno >= logging.WARNING:
            record = logging.makeLogRecord(vars(record) | {"msg": f"{WARNING}{record.getMessage()}", "args": None})
        return super().format(record)
