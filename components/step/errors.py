"""The errors a user can cause; each message is one line: the rule, what was received, what to do."""

from components.step.secrets import without_secret_values


class PawlineError(Exception):
    """Base of the errors shown as one line without a traceback; `exit_code` is the process's."""

    exit_code = 1


class UsageError(PawlineError):
    """Bad arguments or configuration."""

    exit_code = 2


class DataError(PawlineError):
    """Input that was found and read, and is not what it must be."""


class ServiceError(PawlineError):
    """A store or service that failed or refused."""


def one_line(text: object, limit: int = 300) -> str:
    """Return `text` printable on one line of a terminal, control characters escaped, at most `limit` characters.

    What is shortened has no secrets of the environment: of half a one nobody could tell later that it is one.
    """
    flat = _flat(str(text))
    if len(flat) <= limit:
        return flat
    flat = _flat(without_secret_values(str(text)))
    return flat if len(flat) <= limit else f"{flat[: limit - 1]}…"


def _flat(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def first_ten(items: list[str]) -> str:
    """Return the first ten of `items` and how many there are, as used in error messages."""
    shown = ", ".join(one_line(item, 120) for item in items[:10])
    return f"{shown} (first 10 of {len(items)})" if len(items) > 10 else f"{shown} ({len(items)} in all)"
