"""Markdown that shows a user's text as it is: labels, names and addresses may hold anything."""

import re
from collections.abc import Sequence

from components.step.errors import one_line

_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|~$&])")


def markdown_text(text: str, limit: int = 1000) -> str:
    """Return `text` on one line with every character that Markdown or HTML would act on escaped, cut at `limit`."""
    return markdown_escaped(one_line(text, limit))


def markdown_escaped(text: str) -> str:
    """Return `text`, on one line already, with every character escaped that Markdown or HTML would act on."""
    return _MARKUP.sub(r"\\\1", text)


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of plain text, its lines without a final newline."""
    lines = [heads, ["---"] * len(heads), *([markdown_text(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
