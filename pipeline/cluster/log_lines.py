"""A step's own lines out of a container's log, which has those of KFP's launcher and of Argo before and behind them."""

import re
from collections.abc import Iterable, Iterator

# As klog begins a line (I1126 07:29:12.950202 15 main.go:67]), and Argo's executor.
OF_LAUNCHER = re.compile(r"[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ \S+\.go:\d+\]|time=\"\S+\" level=\w+ ")
OURS = re.compile(r"\d\d:\d\d:\d\d \w+ *\| |pawline \w+: error: ")
OPENS_JSON, CLOSES_JSON = ("{", "["), ("}", "]")


def own_lines(lines: Iterable[str]) -> Iterator[str]:
    """Yield those of `lines` that the step itself has printed; the launcher prints its outputs, JSON of many lines."""
    inside = False
    for line in lines:
        if OF_LAUNCHER.match(line):
            inside = line.endswith(OPENS_JSON)
        elif inside and not OURS.match(line):
            inside = line.startswith(" ") or not line.endswith(CLOSES_JSON)
        else:
            inside = False
            yield line
