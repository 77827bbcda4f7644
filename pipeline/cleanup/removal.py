"""Removal: what is removed is gone at once under its name, whatever is still of it when the process is killed."""

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress

from components.step.errors import ServiceError, one_line
from components.step.files import PARTIAL, scratch_folder
from pipeline.cleanup.plan import Removable


def remove(items: Iterable[Removable]) -> None:
    """Remove `items`; one that is gone already is no error.

    Raises:
        ServiceError: one cannot be removed; those before it are.
    """
    for item in items:
        try:
            _remove(item)
        except OSError as error:
            raise ServiceError(
                f"What is cleaned must be removable. Received: {one_line(item.path)}: {error.strerror}. "
                "Check its permissions."
            ) from error


def _remove(item: Removable) -> None:
    # A name that the next `clean` takes for a leftover, should this one be killed.
    with scratch_folder(item.path.parent, PARTIAL) as folder, suppress(FileNotFoundError):
        os.rename(item.path, folder / "removed")
        if (folder / "removed").is_dir():
            shutil.rmtree(folder / "removed")
