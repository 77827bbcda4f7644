"""MLflow's database where it is a file of ours: made once, quickly."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from components.step.addresses import file_uri, sqlite_path, sqlite_uri
from components.step.files import PARTIAL, scratch_folder
from components.tracking.connection import make_no_folders

ARTIFACTS = "mlartifacts"  # The folder beside the file where MLflow keeps what is not a number.


def make_database(uri: str) -> None:
    """Make the sqlite file of `uri`, if that is one and not there: complete or absent, as half of it is no use."""
    path = sqlite_path(uri)
    if path is None or path.exists():
        return
    make_no_folders()
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    with scratch_folder(path.parent, PARTIAL) as folder:
        event.listen(Engine, "connect", _without_waiting)
        # The place is an address, as MLflow writes it into SQL as it is: a path may have both kinds of quotes.
        place = file_uri(path.absolute().parent / ARTIFACTS)
        SqlAlchemyStore(sqlite_uri(Path(folder) / "mlflow.db"), place)  # type: ignore[no-untyped-call]  # MLflow's own.
        event.remove(Engine, "connect", _without_waiting)
        with suppress(FileExistsError):  # Another was faster.
            os.link(f"{folder}/mlflow.db", path)


def _without_waiting(connection: Any, _: object) -> None:
    # MLflow changes its tables fifty times, and waits for the disk each time, before they are what they are today.
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA journal_mode=MEMORY")
