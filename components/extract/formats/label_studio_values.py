"""What the values of a Label Studio export mean, whichever of its forms they stand in."""

from collections.abc import Mapping
from datetime import UTC, datetime

from components.step.errors import DataError, first_ten, one_line

IMAGE_NAMES = ("image", "img", "picture", "photo", "url", "file", "filename", "file_name", "path")
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".heic")


def image_in(data: object) -> str:
    """Return which value of a task's `data` names its image: of the usual names, or the only one that looks like it.

    Raises:
        DataError: there is none, or several may be it.
    """
    named = data.items() if isinstance(data, Mapping) else ()
    values = {name: value for name, value in named if isinstance(value, str)}
    usual = [name for name in IMAGE_NAMES if name in values]
    found = usual[:1] or [name for name, value in values.items() if looks_like_an_image(value)]
    if len(found) == 1:
        return values[found[0]]
    raise DataError(
        "A task of Label Studio must name one image. "
        f"Received: {first_ten(found) if found else one_line(repr(data), 120)}. Call it image in the task's data."
    )


def looks_like_an_image(value: str) -> bool:
    """Tell whether `value` is a path or an URL of an image, as it ends like one."""
    return value.partition("?")[0].lower().endswith(_SUFFIXES) or value.lower().endswith(_SUFFIXES)


def annotator_of(completed_by: object) -> str:
    """Return who made an annotation: a user's number, or of what stands for a user the e-mail address."""
    if isinstance(completed_by, Mapping):
        completed_by = completed_by.get("email") or completed_by.get("id")
    return "" if completed_by is None else str(completed_by)


def microseconds(when: object) -> int:
    """Return the microseconds from 1970 to `when`, a time in ISO 8601 or seconds; 0 for anything else."""
    try:
        if isinstance(when, str):
            time = datetime.fromisoformat(when)
            return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1_000_000)
        return int(when * 1_000_000) if isinstance(when, int | float) and not isinstance(when, bool) else 0
    except (ValueError, OverflowError):
        return 0
