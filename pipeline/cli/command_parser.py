"""The parser of `pawline` and of each command: refusals are one line, with the nearest name to what was mistyped."""

import argparse
import sys
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, NoReturn

from components import VERSION
from components.step.errors import one_line
from components.step.nearest import did_you_mean


class CommandParser(argparse.ArgumentParser):
    """An argparse parser that says in one line what it refuses; like any, it exits with 2 then."""

    def __init__(self, **options: Any) -> None:
        """Take what argparse takes; options are never abbreviated, as a later one would change their meaning."""
        super().__init__(**{"allow_abbrev": False, **options})
        self._given: list[str] = []

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse `args`; what is not known ends here, where the options of the very command are known."""
        self._given = [str(word) for word in (sys.argv[1:] if args is None else args)]
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self._refuse_unknown(unknown)
        return found, unknown

    def format_help(self) -> str:
        """Return the help; its first line says what has a place, as the options, listed below, may be many."""
        places = map(written_place, self._get_positional_actions())
        self.usage = " ".join([self.prog, "[options]", *places])
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        """Exit with 2 and one line that says what argparse found, a mistyped option before what is missing for it."""
        if message.startswith("the following arguments are required") and (unknown := self._unknown_options()):
            self._refuse_unknown(unknown)
        self._refuse("Arguments must be as the help says", message.removesuffix("."))

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        # argparse has no public place to say it better, and would print every choice.
        if action.choices is None or value in action.choices:
            return
        choices = [str(choice) for choice in action.choices]
        if isinstance(action, argparse._SubParsersAction):  # It has no public name.
            self._refuse(f"A command must be one of {self.prog}'s", str(value), did_you_mean(str(value), choices))
        rule = f"{'/'.join(action.option_strings) or action.metavar} must be one of {', '.join(choices)}"
        self._refuse(rule, str(value), did_you_mean(str(value), choices))

    def _refuse_unknown(self, unknown: Sequence[str]) -> NoReturn:
        first = unknown[0].partition("=")[0]
        if not first.startswith("-"):
            self._refuse("Arguments must be as the help says", f"{first}, which is one too many")
        options = [option for action in self._actions for option in action.option_strings]
        hint = self._of_position(first) or did_you_mean(first, options)
        self._refuse(f"An option must be one of `{self.prog}`'s", first, hint)

    def _unknown_options(self) -> list[str]:
        options = [word for word in takewhile(lambda word: word != "--", self._given) if word.startswith("--")]
        return [option for option in options if option.partition("=")[0] not in self._option_string_actions]

    def _of_position(self, option: str) -> str:
        """Return what to say of an `option` that is called as what has no option's name but a place of its own."""
        named = {str(action.metavar).lower(): action.metavar for action in self._get_positional_actions()}
        found = named.get(option.lstrip("-").lower())
        return f"{found} is written without {option}. " if found else ""

    def _refuse(self, rule: str, received: str, hint: str = "") -> NoReturn:
        text = f"{rule}. Received: {one_line(received)}. {hint}`{self.prog} --help` says more."
        self.exit(2, f"{self.prog}: error: {text}\n")


def written_place(action: argparse.Action) -> str:
    """Return how the argument `action`, which has a place, is written: NAME, [NAME], NAME... for several."""
    name = str(action.metavar)
    return {"?": f"[{name}]", "+": f"{name}...", argparse.PARSER: f"{name} ..."}.get(str(action.nargs), name)


class ShowVersion(argparse.Action):
    """Prints name and version and exits."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        """Take no value."""
        super().__init__(option_strings, dest, nargs=0, help="print the version and exit")

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        """Print it."""
        print(f"pawline {VERSION}")
        parser.exit()


def new_command(
    commands: Any, name: str, summary: str, action: str, extras: tuple[str, ...] = ()
) -> argparse.ArgumentParser:
    """Add the command `name` to `commands`: `action` is `module:function`, `extras` what must be installed for it."""
    command: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=f"{_sentence(summary)}.")
    command.set_defaults(action=action, extras=extras)
    return command


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
