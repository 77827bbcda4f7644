"""Which file names and labels are accepted; everything else is hostile or a mistake."""

import re
import unicodedata

from components.step.errors import DataError, one_line

MAX_NAME_BYTES = 1024  # S3's own limit on a key.
MAX_PART_BYTES = 255  # What file systems allow for one part of a path.
MAX_LABEL_CHARACTERS = 1000

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\- ]{0,200}")


def check_name(name: object, where: str = "") -> str:
    """Return `name` if it is a relative path that stays below its prefix; `where` says where it stands, if known.

    Raises:
        DataError: it is empty, absolute, too long, or has `..`, `.`, an empty part, a backslash or control characters.
    """
    if isinstance(name, str) and (_PLAIN.fullmatch(name) or _is_safe(name)):
        return name
    raise DataError(
        "A file name must be a relative path without '..', backslashes or control characters, at most "
        f"{MAX_NAME_BYTES} bytes. Received: {_at(where)}{one_line(repr(name), 120)}. Correct the name."
    )


def check_label(label: object, where: str = "") -> str:
    """Return `label` without surrounding space if it can name a class; `where` says where it stands, if known.

    Raises:
        DataError: it is no text, is empty, too long or holds control characters.
    """
    text = label.strip() if isinstance(label, str) else ""
    if is_label(text):
        return text
    raise DataError(
        f"A label must be text of 1 to {MAX_LABEL_CHARACTERS} characters without control characters. "
        f"Received: {_at(where)}{one_line(repr(label), 120)}. Correct the label where it was given."
    )


def is_label(text: str) -> bool:
    """Return whether `text` can name a class as it stands."""
    return 0 < len(text) <= MAX_LABEL_CHARACTERS and text == text.strip() and _has_no_controls(text)


def _at(where: str) -> str:
    return f"{one_line(where, 120)}: " if where else ""


def _is_safe(name: str) -> bool:
    if "\\" in name or not _has_no_controls(name) or len(name.encode()) > MAX_NAME_BYTES:
        return False
    parts = name.split("/")
    return all(part not in ("", ".", "..") and len(part.encode()) <= MAX_PART_BYTES for part in parts)


def _has_no_controls(text: str) -> bool:
    # Cs: lone surrogates, which no file or UTF-8 text can hold; Zl and Zp break a line in logs and tables.
    return not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text)
