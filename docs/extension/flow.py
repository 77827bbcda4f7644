"""Diagrams as text: a code block of the language `flow` is drawn on the site, and is readable where it is not.

Each line is `from -> to: what goes there`. Each name is a row, in the order in which it is first met; what goes to the
next row goes straight down, all else by a lane on the right.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from docutils import nodes
from sphinx.application import Sphinx

HEIGHT, BETWEEN, LINE, LANE, LETTER = 36, 48, 22, 14, 7.9  # Pixels: the least box, between two, what else enters one,
# lanes, a letter's width.
MARKER = (
    '<marker id="flow-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    '<path d="M0 0 8 4 0 8z"/></marker>'
)


@dataclass(frozen=True, slots=True)
class Arrow:
    """What goes from one row to another."""

    source: str
    target: str
    label: str


def arrows(text: str) -> list[Arrow]:
    """Return the arrows of a diagram's `text`.

    Raises:
        ValueError: a line is no arrow.
    """
    return [_arrow(line) for line in text.splitlines() if line.strip()]


def _arrow(line: str) -> Arrow:
    ways, _, label = line.partition(":")
    source, arrow, target = (part.strip() for part in ways.partition("->"))
    if not (source and arrow and target):
        raise ValueError(f"A line of a flow must be `from -> to: what`. Received: {line}. Correct it.")
    return Arrow(source, target, label.strip())


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are: the top and the height of each box by name, the width of boxes, where the lanes begin."""

    tops: dict[str, int]
    heights: dict[str, int]
    width: float
    lanes: float


def svg(found: Sequence[Arrow]) -> str:
    """Return the picture of the arrows, in the colours of the page around it."""
    rows = {name: row for row, name in enumerate(dict.fromkeys(n for one in found for n in (one.source, one.target)))}
    around = [one for one in found if rows[one.target] - rows[one.source] != 1]
    layout = _layout(list(rows), found, around)
    right = layout.lanes + LANE * len(around) + 4
    bottom = max(layout.tops[name] + layout.heights[name] for name in rows) + 4
    said = escape("; ".join(f"{one.source} to {one.target}: {one.label}" for one in found), {'"': "&quot;"})
    parts = [
        f'<svg class="flow" viewBox="0 0 {right:.0f} {bottom}" width="{right:.0f}" role="img" aria-label="{said}">',
        MARKER,
        *(_straight(one, layout) for one in found if one not in around),
        *(_around(one, layout, around) for one in around),
        *(_box(name, layout) for name in rows),
        "</svg>",
    ]
    return "".join(parts)


def _layout(names: Sequence[str], found: Sequence[Arrow], around: Sequence[Arrow]) -> Layout:
    """Return a layout in which each box has room for what enters from the lanes, and no label meets a lane."""
    heights = {name: max(HEIGHT, 8 + LINE * sum(one.target == name for one in around)) for name in names}
    tops, top = {}, 2
    for name in names:
        tops[name], top = top, top + heights[name] + BETWEEN
    width = max(map(len, names)) * LETTER + 36
    beside = max((len(one.label) for one in around), default=0) * LETTER + width + 28
    below = max((len(one.label) for one in found if one not in around), default=0) * LETTER + width / 2 + 24
    return Layout(tops, heights, width, max(beside, below))


def _box(name: str, layout: Layout) -> str:
    y, height = layout.tops[name], layout.heights[name]
    return (
        f'<rect x="2" y="{y}" width="{layout.width:.0f}" height="{height}" rx="6"/>'
        f'<text class="name" x="{2 + layout.width / 2:.0f}" y="{y + height // 2 + 5}">{escape(name)}</text>'
    )


def _straight(one: Arrow, layout: Layout) -> str:
    x, y = 2 + layout.width / 2, layout.tops[one.source] + layout.heights[one.source]
    way = f'<path class="way" d="M{x:.0f} {y}V{layout.tops[one.target] - 2}"/>'
    return f'{way}<text x="{x + 10:.0f}" y="{y + 28}">{escape(one.label)}</text>'


def _around(one: Arrow, layout: Layout, around: Sequence[Arrow]) -> str:
    """Draw the way by a lane of its own; what leaves one box does so from one place, what enters one does so below."""
    x, edge = layout.lanes + LANE * around.index(one), 2 + layout.width
    start = layout.tops[one.source] + 6
    entering = [other for other in around if other.target == one.target].index(one)
    end = layout.tops[one.target] + 22 + LINE * entering
    way = f'<path class="way" d="M{edge:.0f} {start}H{x:.0f}V{end}H{edge + 2:.0f}"/>'
    return f'{way}<text x="{edge + 14:.0f}" y="{end - 4}">{escape(one.label)}</text>'


def draw_blocks(app: Sphinx, document: nodes.document) -> None:
    """Replace each code block of the language `flow` in `document` by its picture."""
    for block in list(document.findall(nodes.literal_block)):
        if block.get("language") == "flow":
            picture = f'<div class="flow-frame">{svg(arrows(block.astext()))}</div>'
            block.replace_self(nodes.raw("", picture, format="html"))


def setup(app: Sphinx) -> dict[str, bool]:
    """Have Sphinx draw."""
    app.connect("doctree-read", draw_blocks)
    return {"parallel_read_safe": True}
