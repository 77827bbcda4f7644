"""A mark in a store that is to be written, by which others show that they see the same one."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from components.step.errors import ServiceError
from components.step.files import scratch_folder
from components.storage.stores import open_store

MARK = "seen"


@contextmanager
def marked(store_uri: str) -> Iterator[tuple[str, str]]:
    """Yield the URI of a folder in the store at `store_uri` and the name of an empty object there, for a while.

    Raises:
        ServiceError: the store cannot be written.
    """
    folder = open_store(f"{store_uri.rstrip('/')}/.pawline-{uuid.uuid4().hex}")
    with scratch_folder() as own:
        (empty := own / MARK).touch()
        folder.upload(MARK, empty)
    try:
        yield folder.uri(), MARK
    finally:
        with suppress(ServiceError):  # Who may write and not delete can keep datasets, and leaves this object.
            folder.clear()
