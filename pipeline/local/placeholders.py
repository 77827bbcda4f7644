"""The placeholders that a KFP backend resolves in a container's command, and nothing else.

The rules are those of the backend's launcher: see `getPlaceholders` in backend/src/v2/component/launcher_v2.go of
kubeflow/pipelines. The executor input is the message of that name in pipeline_spec.proto, as JSON.
"""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from components.step.errors import UsageError

PLACEHOLDER = re.compile(
    r"\{\{\$(?:\.(?P<side>inputs|outputs)\.(?P<kind>\w+)\['(?P<name>[^']+)'\](?:\.(?P<field>\w+))?)?\}\}"
)


def resolve_command(command: Sequence[str], executor_input: Mapping[str, Any]) -> list[str]:
    """Return `command` with every placeholder replaced by its value in `executor_input`.

    Raises:
        UsageError: a placeholder that no KFP backend resolves.
    """
    return [_resolve_word(word, executor_input) for word in command]


def text_of(value: Any) -> str:
    """Return a parameter's value as the backend writes it into a command: 30, 0.00001, true, {"a":1}."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        text = format(Decimal(repr(value)), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def _resolve_word(word: str, executor_input: Mapping[str, Any]) -> str:
    resolved = PLACEHOLDER.sub(lambda match: _resolve(match, executor_input), word)
    if "{{$" in PLACEHOLDER.sub("", word):
        _refuse(word)
    return resolved


def _resolve(match: re.Match[str], executor_input: Mapping[str, Any]) -> str:
    side, kind, name, field = match.group("side", "kind", "name", "field")
    try:
        if side is None:
            return json.dumps(executor_input)
        if (side, kind, field) == ("inputs", "parameters", None):
            return text_of(executor_input["inputs"]["parameterValues"][name])
        if (side, kind, field) == ("outputs", "parameters", "output_file"):
            return str(executor_input["outputs"]["parameters"][name]["outputFile"])
        if kind == "artifacts" and field in ("path", "uri"):
            return str(executor_input[side]["artifacts"][name]["artifacts"][0]["uri"])
    except LookupError:
        pass
    return _refuse(match.group())


def _refuse(placeholder: str) -> str:
    raise UsageError(
        f"A command may hold only placeholders that KFP resolves and its step declares. Received: {placeholder[:120]}. "
        "Correct the component and compile again."
    )
