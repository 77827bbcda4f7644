"""YAML that people write, as nodes: `name: value` lines and nothing else of YAML.

The text is not trusted: no tags, no aliases, no depth. What a value means is for the reader to say, by the type it
expects, so that YAML 1.1's surprises (`no` is false, `1e-3` is text) do not arise.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from components.step.errors import UsageError, one_line

LARGEST_BYTES = 65_536
DEEPEST = 16


class OnceLoader(yaml.SafeLoader):
    """yaml.SafeLoader, which keeps the last of several values of one name, but that it refuses them."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping that `node` stands for, or raise yaml.YAMLError where it has a name twice."""
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise yaml.constructor.ConstructorError(None, None, f"the name {twice!r} twice", node.start_mark)
        return super().construct_mapping(node, deep)


@dataclass(frozen=True, slots=True)
class PlainYaml:
    """A YAML text; messages call it `source` and begin with `rule`, what it must be."""

    source: str
    rule: str

    def root(self, data: bytes) -> yaml.MappingNode:
        """Return the mapping that `data`, UTF-8, is.

        Raises:
            UsageError: it is none, is too large or deep, or has tags, anchors or aliases.
        """
        try:
            text = _text(data)
            self._refuse_hostile(text)
            # Nodes only, no objects are made: SafeLoader composes nothing else.
            node = yaml.compose(text, Loader=yaml.SafeLoader)
        except (ValueError, yaml.YAMLError) as error:
            raise self.refusal(self.source, _reason(error)) from error
        if not isinstance(node, yaml.MappingNode):
            received = "nothing" if node is None else "something else than `name: value` lines"
            raise self.refusal(self.source, received)
        return node

    def pairs(self, mapping: yaml.MappingNode) -> Iterator[tuple[str, yaml.Node]]:
        """Yield each name in `mapping` with its value's node.

        Raises:
            UsageError: a name is no text or there twice.
        """
        seen: set[str] = set()
        for key, value in mapping.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self.refusal(self.at(key), "a key that is no text")
            if key.value in seen:
                raise self.refusal(self.at(key), f"{one_line(key.value, 80)} twice")
            seen.add(key.value)
            yield key.value, value

    def at(self, node: yaml.Node) -> str:
        """Return where `node` stands, for messages."""
        return self._place(node.start_mark)

    def refusal(self, where: str, received: str) -> UsageError:
        """Return the error that says `received` was found `where`."""
        return UsageError(f"{self.rule}. Received: {one_line(where)}: {received}. Correct it.")

    def _refuse_hostile(self, text: str) -> None:
        """Refuse what could make a small text large, run code, or end the recursion over nodes."""
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise self.refusal(self._place(event.start_mark), f"more than {DEEPEST} levels")
            if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
                raise self.refusal(self._place(event.start_mark), "an anchor or alias (&, *)")
            if getattr(event, "tag", None) is not None:
                raise self.refusal(self._place(event.start_mark), "a tag (!)")

    def _place(self, mark: Any) -> str:
        return f"{one_line(self.source)}, line {mark.line + 1}"


def _text(data: bytes) -> str:
    if len(data) > LARGEST_BYTES:
        raise ValueError(f"more than {LARGEST_BYTES} bytes")
    return data.decode("utf-8-sig")


def _reason(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or str(error).partition("\n")[0]
    return one_line(f"line {mark.line + 1}: {what}" if mark else what)
