"""The page of all parameters: `python -m pipeline.cli.parameters_page` writes docs/parameters.md.

Names, defaults and descriptions are the compiled pipeline's. What a value may be is what the checks say when they are
given one that it may not be, so that nothing stands in two places.
"""

import html
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from components.extract.parameters import check_parameters
from components.step.errors import PawlineError
from components.step.files import write_text
from pipeline.compilation import COMPILED_PIPELINE
from pipeline.compiled import Parameter, load_pipeline
from pipeline.project.groups import GROUPS
from pipeline.project.starter import MATTERING

PAGE = Path(__file__).parents[2] / "docs" / "parameters.md"
HEAD = """\
# Parameters

What a run can be told. Every value is checked before anything is made; a wrong one is refused in one line.

| where you run | how a value is given |
| --- | --- |
| `pawline run`, `pawline sweep` | `--param epochs=10`, once for each parameter |
| the same, from a file | `--config run.yaml`, with lines such as `epochs: 10`; `--param` goes before it |
| Kubeflow, OpenShift AI | the form of "Create run" shows each with its default |

`pawline init DIR` writes such a file, with a schema by which an editor completes and explains the names. Each run keeps
all its values in `runs/<id>/config.yaml`, and `--config` with that file repeats it. A list or a mapping is JSON behind
`--param` (`--param node_selector='{"gpu": "a100"}'`), and JSON or YAML in a file. Paths are relative to where `pawline`
is called.

Three defaults are for a cluster: on your machine, images must be named (`annotations_uri`, `images_uri`), and
`dataset_store` is `runs/datasets`.
"""
MATTERING_HEADING = "The six that matter first"
# Nothing that any parameter may be, of each of KFP's types.
ILLEGAL: Mapping[str, Any] = {
    "STRING": "?://?/?",
    "NUMBER_INTEGER": -1,
    "NUMBER_DOUBLE": -1.0,
    "BOOLEAN": "?",
    "STRUCT": {"": 1},
    "LIST": [1],
}
SAYS_NOTHING = {"a", "and", "as", "be", "must", "of", "one", "or", "such", "the", "with"}


def parameters_page() -> str:
    """Return the page as Markdown."""
    declared = load_pipeline(COMPILED_PIPELINE).parameters
    first = _section(MATTERING_HEADING, {name: declared[name].description for name in MATTERING}, declared)
    grouped = {heading: {name: _explained(name, declared) for name in names} for heading, names in GROUPS.items()}
    rest = (line for heading, texts in grouped.items() for line in _section(heading, texts, declared))
    return "\n".join([HEAD, *first, *rest])


def rule_of(name: str, declared: Mapping[str, Parameter]) -> str:
    """Return what the value of the parameter `name` must be, as its check says; empty where that says nothing."""
    defaults = {known: parameter.default for known, parameter in declared.items()}
    try:
        check_parameters({**defaults, name: ILLEGAL[declared[name].kind]})
    except PawlineError as error:
        return str(error).partition(". Received: ")[0].replace(f"{name} must", "Must", 1)
    return ""


def _section(heading: str, texts: Mapping[str, str], declared: Mapping[str, Parameter]) -> Iterator[str]:
    yield f"## {heading}\n\n| parameter | default | what it is |\n| --- | --- | --- |"
    for name, text in texts.items():
        yield f"| `{name}` | {_shown(declared[name].default)} | {text.replace('|', '&#124;')} |"
    yield ""


def _explained(name: str, declared: Mapping[str, Parameter]) -> str:
    """Return the description, and below it the rule if that adds a word."""
    description, rule = declared[name].description, rule_of(name, declared)
    adds = _words(rule) - _words(description) - SAYS_NOTHING
    return f"{description}<br>*{html.escape(rule, quote=False)}.*" if adds else description


def _words(text: str) -> set[str]:
    return {word.strip(".,:;").lower() for word in text.split()}


def _shown(default: object) -> str:
    text = default if isinstance(default, str) else json.dumps(default).removesuffix(".0")
    return f"`{text}`" if text else "(empty)"


if __name__ == "__main__":
    write_text(PAGE, parameters_page())
