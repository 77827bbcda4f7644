"""The connection to the model registry: it waits where tracking would not, and fails in one line."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from components.step.errors import PawlineError, ServiceError, one_line
from components.tracking.connection import TIMES, connect
from components.tracking.events import without_passwords

if TYPE_CHECKING:
    from mlflow import MlflowClient

# Unlike tracking, this waits and repeats: without the registry there is no decision. The user's own values go before.
PATIENCE = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT": "300",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
FIRST = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "5", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}


def registry_client(environment: Mapping[str, str]) -> "MlflowClient":
    """Return MLflow's client for the registry that `environment` names, in MLFLOW_REGISTRY_URI or MLFLOW_TRACKING_URI.

    Raises:
        Exception: what MLflow, a database or the network raises, for `answering_or` to turn into one line.
    """
    uri = environment.get("MLFLOW_TRACKING_URI") or environment.get("MLFLOW_REGISTRY_URI", "")
    own = {name: value for name, value in environment.items() if name in {*TIMES, *PATIENCE}}
    client = connect({**environment, "MLFLOW_TRACKING_URI": uri}, {**TIMES, **PATIENCE, **own})
    logging.getLogger("mlflow").setLevel(logging.WARNING)  # What it is waiting for is no news.
    return client


def check_answers(client: "MlflowClient", environment: Mapping[str, str]) -> None:
    """Check that the registry answers at all, within 5 seconds: one that is gone must not cost a run minutes.

    Whoever sets MLFLOW_HTTP_REQUEST_TIMEOUT knows a registry that takes longer, and nothing is checked.

    Raises:
        Exception: what MLflow, a database or the network raises.
    """
    ours = PATIENCE["MLFLOW_HTTP_REQUEST_TIMEOUT"]
    if environment.get("MLFLOW_HTTP_REQUEST_TIMEOUT", ours) != ours:
        return
    before = {name: os.environ[name] for name in FIRST}
    os.environ.update(FIRST)  # MLflow looks there with each request.
    try:
        client.search_registered_models(max_results=1)
    finally:
        os.environ.update(before)


@contextmanager
def answering_or(rule: str, advice: str) -> Iterator[None]:
    """Turn whatever MLflow, its database and the network raise into a ServiceError: `rule`, what they said, `advice`.

    To an answer that makes no sense MLflow says KeyError, AttributeError and the like; there is no closed list.
    """
    try:
        yield
    except PawlineError:
        raise
    except Exception as error:
        received = one_line(without_passwords(" ".join(str(error).split())) or type(error).__name__)
        raise ServiceError(f"{rule}. Received: {received}. {advice}") from error
