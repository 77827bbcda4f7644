"""What a person reads in a report: its text without scripts and styles, and no value in it that was lost on the way."""

import html
import re
from pathlib import Path

LOST = re.compile(r"\b(None(?! (of|known))|nan|NaN|undefined|null|inf|Infinity)\b|\{\{|\}\}")


def shown(path: Path) -> str:
    """Return the visible text of the HTML file at `path`, spaces made single and plain; no value in it is lost."""
    page = re.sub(r"(?s)<(script|style|title)\b.*?</\1>", " ", path.read_text(encoding="utf-8"))
    text = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", page)))
    assert LOST.findall(text) == []
    return text


def percentage(share: float) -> str:
    """Return `share` as the reports write it, with a plain space."""
    return f"{100 * share:.1f} %"
