"""Reports: one self-contained HTML file each, made by Jinja2 from `components/templates/`.

They open from disk and in the Kubeflow UI's sandboxed iframe: no network, no storage, nothing loaded from elsewhere.
"""

import functools
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from components.step.counts import counted
from components.step.errors import one_line
from components.step.pipeline_run import run_name
from components.step.secrets import without_secret_values

TEMPLATES = Path(__file__).parent / "templates"


def render_report(template: str, **values: Any) -> str:
    """Return `template` filled with `values`, all of them escaped as HTML.

    In a pipeline run its foot names the run and the time; without one the same values give the same bytes.
    """
    made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    return _environment().get_template(template).render(**values, run_name=run_name(), made=made)


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Names and labels come from outside: control characters are shown, and long ones cut.
    environment.filters["one_line"] = lambda text, limit=300: without_secret_values(one_line(text, limit))
    environment.filters["number"] = lambda value: f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    environment.filters["counted"] = lambda value, *names: counted(value, *names).replace(
        ",", "\N{NARROW NO-BREAK SPACE}"
    )
    environment.filters["percent"] = percent
    environment.filters["decimal"] = decimal
    environment.filters["round_ticks"] = round_ticks
    return environment


def percent(share: float | None) -> str:
    """Return `share`, 0 to 1, in percent with one decimal; a dash where it is undefined."""
    return "\N{EN DASH}" if share is None else f"{100 * share:.1f}\N{NARROW NO-BREAK SPACE}%"


def decimal(value: float | None) -> str:
    """Return `value` with three decimals; a dash where it is undefined."""
    return "\N{EN DASH}" if value is None else f"{value:.3f}"


def round_ticks(bounds: Sequence[float]) -> list[float]:
    """Return two to seven round values, evenly apart, that reach from the first to the second of `bounds`."""
    low, high = bounds
    span = max(high - low, abs(high) * 1e-6)
    span = span if span > 1e-12 else 1.0
    magnitude = 10.0 ** math.floor(math.log10(span))
    step = next(step for step in (0.2 * magnitude, 0.5 * magnitude, magnitude, 2 * magnitude) if span / step <= 5)
    first = math.floor(low / step)
    last = max(math.ceil(high / step), first + 1)  # A flat line still needs an axis.
    return [index * step for index in range(first, last + 1)]
