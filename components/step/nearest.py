"""What a person may have meant by a name that is not known."""

import difflib
from collections.abc import Iterable

FEWEST_LETTERS = 2  # With one, half of all names begin.


def did_you_mean(name: str, known: Iterable[str], most: int = 1) -> str:
    """Return "Did you mean …? " with the nearest of `known` to `name`, `most` at most; "" if none is near."""
    *others, last = nearest(name, known, most) or [""]
    return f"Did you mean {', '.join(others)}{' or ' if others else ''}{last}? " if last else ""


def did_you_mean_or_choose(name: str, legal: Iterable[str]) -> str:
    """Return what to do about `name`, which must be one of `legal`: the nearest, or to choose."""
    return did_you_mean(name, legal).rstrip() or "Choose one of these."


def nearest(name: str, known: Iterable[str], most: int = 1) -> list[str]:
    """Return those of `known` that `name` may stand for, `most` at most, the likeliest first.

    That are those which begin with it, in their order, then the most similar, then those of which it is a part.
    Capitals, `-` and `_` make no difference.
    """
    names = {_plain(each): each for each in reversed(list(known))}
    typed, ordered = _plain(name), list(reversed(names))
    found = [plain for plain in ordered if plain.startswith(typed)] if len(typed) >= FEWEST_LETTERS else []
    found += difflib.get_close_matches(typed, ordered, n=most)
    found += [plain for plain in ordered if typed in plain] if len(typed) > FEWEST_LETTERS else []
    return [names[plain] for plain in dict.fromkeys(found)][:most]


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")
