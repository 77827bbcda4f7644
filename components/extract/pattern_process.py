"""Matches one pattern against many names, in a process of its own that ends after some seconds of processor time.

A pattern such as (a+)+b takes for ever on some names, and Python's engine cannot be stopped from within its process.
Runs as a script, with nothing but the standard library: pattern, names and limit as JSON on stdin, groups on stdout.
"""

import json
import re
import resource
import sys


def main() -> None:
    """Read the task, write for each name what the pattern's named group matches in it, null for nothing."""
    task = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_CPU, (task["seconds"], task["seconds"] + 1))
    pattern = re.compile(task["pattern"])
    (group,) = pattern.groupindex
    found = (pattern.search(name) for name in task["names"])
    json.dump([match and match[group] for match in found], sys.stdout)


if __name__ == "__main__":
    main()
