"""Groups: samples that the split must not tear apart."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from components.dataset.samples import Sample
from components.step.errors import UsageError, one_line


def compile_group_pattern(pattern: str) -> re.Pattern[str] | None:
    """Return the compiled `pattern`, None for the empty one.

    Raises:
        UsageError: it is no regular expression with exactly one named group.
    """
    if not pattern:
        return None
    try:
        compiled = re.compile(pattern)
    except (re.error, ValueError, OverflowError, RecursionError) as error:
        problem = one_line(error, 120)
    else:
        if len(compiled.groupindex) == 1:
            return compiled
        problem = f"{len(compiled.groupindex)} named groups"
    raise UsageError(
        "group_pattern must be a regular expression with one named group, such as (?P<document>.+)_page. "
        f"Received: group_pattern={one_line(repr(pattern), 80)}: {problem}. Correct it."
    )


def group_of(sample_id: str, pattern: re.Pattern[str] | None) -> str:
    """Return what the named group of `pattern` matches in `sample_id`, else the sample's own id."""
    match = pattern.search(sample_id) if pattern else None
    return (match[next(iter(match.re.groupindex))] if match else None) or sample_id


def join_identical(samples: Sequence[Sample]) -> list[Sample]:
    """Return `samples` in their order with groups joined where they share identical images.

    A joined group is called like the first of its groups in sorted order, so the result does not depend on the order.
    """
    parent: dict[str, str] = {}
    for together in _groups_by_image(samples).values():
        for group in together[1:]:
            _join(parent, together[0], group)
    return [replace(sample, group=_root(parent, sample.group)) for sample in samples]


def _groups_by_image(samples: Iterable[Sample]) -> Mapping[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for sample in samples:
        groups.setdefault(sample.sha256, []).append(sample.group)
    return groups


def _root(parent: dict[str, str], group: str) -> str:
    while group in parent:
        # Halving the path keeps long chains of joins short.
        parent[group] = parent.get(parent[group], parent[group])
        group = parent[group]
    return group


def _join(parent: dict[str, str], one: str, other: str) -> None:
    first, second = sorted((_root(parent, one), _root(parent, other)))
    if first != second:
        parent[second] = first
