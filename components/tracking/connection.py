"""The connection to MLflow: its client, with as much patience as the caller has."""

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from components.step.addresses import sqlite_path
from components.step.secrets import strip_secrets

if TYPE_CHECKING:
    from mlflow import MlflowClient

# MLflow's own are two minutes and seven repetitions. The queue repeats.
TIMES = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "4",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT": "20",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def connect(environment: Mapping[str, str], times: Mapping[str, str] = TIMES) -> "MlflowClient":
    """Return MLflow's client for `environment` with `times`; MLflow is imported here, which takes a second.

    Raises:
        FileNotFoundError: the sqlite file is not there.
        Exception: whatever a database raises that is none of MLflow's.
    """
    os.environ.update(environment)
    os.environ.update(times)
    strip_secrets(os.environ)
    uri = environment["MLFLOW_TRACKING_URI"]
    if path := sqlite_path(uri):
        path.stat()  # sqlite would make an empty one.
        with closing(sqlite3.connect(path)) as database:  # MLflow would try for minutes to open what it cannot.
            database.execute("SELECT 1 FROM experiments LIMIT 1").fetchall()
        make_no_folders()
    from mlflow import MlflowClient

    return MlflowClient(uri)


def is_there(uri: str, seconds: float = 1.0) -> bool:
    """Return whether the server at `uri` answers within `seconds`, whatever it says; a database is taken to be there.

    MLflow is not imported: whoever asks decides whether its import is worth the wait.
    """
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https"):
        return True
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    try:
        with closing(kind(parts.hostname or "", parts.port, timeout=seconds)) as connection:
            connection.request("GET", f"{parts.path.rstrip('/')}/health")
            connection.getresponse()
    except (OSError, HTTPException, ValueError):
        return False
    return True


def make_no_folders() -> None:
    """Keep MLflow from making the folder of a database: it takes the address for the path, `%20` as it stands there."""
    from mlflow.store.db import utils

    if hasattr(utils, "_make_parent_dirs_if_sqlite"):  # MLflow 3; the folder is there.
        utils._make_parent_dirs_if_sqlite = lambda db_uri: None
