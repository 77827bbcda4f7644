"""Groups: samples that the split must not tear apart."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from components.dataset.samples import Sample
from components.extract import pattern_process
from components.extract.notes import noted
from components.extract.spelling import nfc
from components.step.errors import UsageError, first_ten, one_line
from components.step.strict_json import read_json

# Of a processor, for all names together; a million names take an ordinary pattern about two.
MATCHING_SECONDS = 20


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


def groups_of(
    sample_ids: Sequence[str], pattern: re.Pattern[str] | None, documents: Mapping[str, str] | None = None
) -> list[str]:
    """Return for each of `sample_ids` what the named group of `pattern` matches in it, else the id itself.

    Without a pattern it is the one of `documents` that an image came from, by its name.

    Raises:
        UsageError: the pattern takes more than MATCHING_SECONDS of a processor.
    """
    if not pattern or not sample_ids:
        return [(documents or {}).get(sample_id, sample_id) for sample_id in sample_ids]
    task = json.dumps({"pattern": pattern.pattern, "names": list(sample_ids), "seconds": MATCHING_SECONDS})
    command = [sys.executable, "-I", str(Path(pattern_process.__file__))]
    done = subprocess.run(command, input=task.encode(), capture_output=True)
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        received = f"group_pattern={one_line(repr(pattern.pattern), 80)}, which takes longer on {len(sample_ids)} names"
        raise UsageError(
            f"group_pattern must match all names within {MATCHING_SECONDS} s. Received: {received}. "
            "Make it simpler: no repetition within a repetition, as in (a+)+."
        )
    done.check_returncode()
    return [group or sample_id for group, sample_id in zip(read_json(done.stdout), sample_ids, strict=True)]


def alone(groups: Mapping[str, str]) -> list[str]:
    """Return a sentence on the names in which the pattern found no group; `groups` are what `groups_of` gave by name.

    Raises:
        UsageError: these are all.
    """
    names = [name for name, group in groups.items() if group == name]
    if names and len(names) == len(groups):
        raise UsageError(f"group_pattern must match names. Received: no group in {first_ten(names)}. Correct it.")
    return noted("Names in which group_pattern finds no group, each a group of its own", names)


def join_identical(samples: Sequence[Sample]) -> list[Sample]:
    """Return `samples` in their order with groups joined where they share identical images, or are written alike (NFC).

    A joined group is called like the first of its groups in sorted order, so the result does not depend on the order.
    """
    parent: dict[str, str] = {}
    for together in [*_together(samples, lambda s: s.sha256), *_together(samples, lambda s: nfc(s.group))]:
        for group in together[1:]:
            _join(parent, together[0], group)
    return [replace(sample, group=_root(parent, sample.group)) for sample in samples]


def _together(samples: Iterable[Sample], key: Callable[[Sample], str]) -> Iterable[list[str]]:
    groups: dict[str, list[str]] = {}
    for sample in samples:
        groups.setdefault(key(sample), []).append(sample.group)
    return groups.values()


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
