"""Whether a request's JSON has a name twice in one object: orjson keeps the last value, as nearly all readers do.

Python's own reader can say so, and takes five times as long for tensors. Each string before a colon is a name, so as
many as there are in the text must be in the objects that were read.
"""

import re
from typing import Any

MOST_NAMES = 1000
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"(\s*+:)?')
_TENSOR = "data"  # Its numbers are many and hold no names.


def has_each_name_once(text: bytes, value: Any) -> bool:
    """Tell whether no object of `text`, the JSON of `value`, has a name twice, and all have at most MOST_NAMES."""
    said = 0
    for found in _STRING.finditer(text):
        said += found[1] is not None
        if said > MOST_NAMES:
            return False
    return said == _count(value)


def _count(value: Any) -> int:
    """Return how many names the objects in `value` have together."""
    count, waiting = 0, [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            count += len(found)
            waiting += [inner for name, inner in found.items() if name != _TENSOR]
        elif isinstance(found, list):
            waiting += [inner for inner in found if isinstance(inner, dict | list)]
    return count
