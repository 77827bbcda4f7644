"""The promotion policy: what a challenger must show before it replaces the champion, as a small YAML file."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from components.step.errors import UsageError, one_line
from components.step.nearest import did_you_mean
from components.step.plain_yaml import LARGEST_BYTES, PlainYaml
from components.storage.stores import read_bytes

RULE = "A promotion policy must be plain YAML of `name: value` lines"
NULLS = ("", "~", "null", "none")


@dataclass(frozen=True, slots=True)
class PromotionPolicy:
    """What a challenger must show; docs/promotion.md tells each field's meaning and reason.

    `false_promotion_rate` is the chance at most of promoting a challenger that is no better than the champion: of each
    comparison, or of all comparisons with one champion together (`rate_over`). Margins are shares of 1. Minimum numbers
    count groups, which are single samples where nothing is grouped. Budgets are None for none. `lost_past` says whether
    this run's test set decides alone where the champion or its own test set cannot be read any more.
    """

    false_promotion_rate: float = 0.05
    rate_over: str = "comparison"
    minimum_samples: int = 50
    minimum_class_samples: int = 10
    class_margin: float = 0.1
    class_evidence: str = "estimate"
    champion_test_margin: float = 0.02
    maximum_size_megabytes: float | None = None
    maximum_latency_milliseconds: float | None = None
    lost_past: str = "decide"


def read_policy(text_or_uri: str) -> PromotionPolicy:
    """Return the policy that `text_or_uri` is, or that lies there; the default one if it is empty.

    Text is what has a `name: value` in it (or `{}`); anything else is a path, `file://` or `s3://` URI.

    Raises:
        UsageError: it is no plain YAML mapping, or has an unknown name or a value that is not possible.
        DataError: there is no such file.
        ServiceError: the store does not answer.
    """
    if not text_or_uri.strip():
        return PromotionPolicy()
    if _is_text(text_or_uri):
        return parse_policy(text_or_uri.encode("utf-8", "surrogatepass"), "promotion_policy")
    return parse_policy(read_bytes(text_or_uri, LARGEST_BYTES), text_or_uri)


def parse_policy(data: bytes, source: str) -> PromotionPolicy:
    """Return the policy in `data`, YAML in UTF-8; messages call it `source`.

    Raises:
        UsageError: see `read_policy`.
    """
    plain = PlainYaml(source, RULE)
    given = {name: _value(plain, name, node) for name, node in plain.pairs(plain.root(data))}
    return PromotionPolicy(**given)


def _is_text(value: str) -> bool:
    return "\n" in value or ": " in value or value.strip().startswith("{") or value.rstrip().endswith(":")


def _value(plain: PlainYaml, name: str, node: yaml.Node) -> Any:
    if name not in READERS:
        raise plain.refusal(
            plain.at(node), f"{one_line(name, 80)!r}. {did_you_mean(name, READERS)}Legal: {', '.join(READERS)}"
        )
    expected, read = READERS[name]
    try:
        if isinstance(node, yaml.ScalarNode):
            return read(node.value)
    except ValueError:
        pass
    received = repr(node.value[:80]) if isinstance(node, yaml.ScalarNode) else "a list or mapping"
    raise UsageError(
        f"{name} must be {expected}. Received: {name}={one_line(received)} at {plain.at(node)}. Correct it."
    )


def _number(low: float, high: float, above: bool = False) -> Callable[[str], float]:
    def read(text: str) -> float:
        value = float(text)
        if not (low < value if above else low <= value) or not value <= high or not math.isfinite(value):
            raise ValueError(text)
        return value

    return read


def _count(low: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        value = int(text)
        if not low <= value <= 10**9:
            raise ValueError(text)
        return value

    return read


def _one_of(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(text)
        return text

    return read


def _budget(text: str) -> float | None:
    return None if text.strip().lower() in NULLS else _number(0.0, 1e9, above=True)(text)


READERS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "false_promotion_rate": ("a number above 0 and at most 0.5", _number(0.0, 0.5, above=True)),
    "rate_over": ("comparison or champion", _one_of("comparison", "champion")),
    "minimum_samples": ("an integer of at least 1", _count(1)),
    "minimum_class_samples": ("an integer of at least 0", _count(0)),
    "class_margin": ("a number from 0 to 1", _number(0.0, 1.0)),
    "class_evidence": ("estimate or interval", _one_of("estimate", "interval")),
    "champion_test_margin": ("a number from 0 to 1", _number(0.0, 1.0)),
    "maximum_size_megabytes": ("a number above 0, or none", _budget),
    "maximum_latency_milliseconds": ("a number above 0, or none", _budget),
    "lost_past": ("decide or refuse", _one_of("decide", "refuse")),
}
