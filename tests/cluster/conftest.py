"""What tests on a real cluster stand on; whatever is not there skips them with its reason.

KUBECONFIG names the cluster, PAWLINE_KFP_HOST its KFP API (with PAWLINE_KFP_TOKEN and so on, as for the commands).
PAWLINE_TEST_STEP_IMAGE, PAWLINE_TEST_TRAIN_IMAGE and PAWLINE_TEST_SERVE_IMAGE are the images of Dockerfile.train and
Dockerfile.serve as pods find them. PAWLINE_TEST_STORE is a place for tests, s3://bucket/prefix, that pods and this
machine reach with the AWS_* variables set here; or PAWLINE_TEST_ADDRESS is an address of this machine that pods reach,
at which a store is started then, and an MLflow server unless PAWLINE_TEST_MLFLOW is the address of one.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from tests.support.kfp_server import fake_cluster, recorded
from tests.support.live_cluster import LiveCluster, Refused, fresh_namespace
from tests.support.live_store import LiveStore, named_store, store_here
from tests.support.mlflow_server import mlflow_at

STORE, ADDRESS = "PAWLINE_TEST_STORE", "PAWLINE_TEST_ADDRESS"
MLFLOW = "PAWLINE_TEST_MLFLOW"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)


def needed(*names: str) -> str:
    """Return the first of the variables `names` that is set; without one the test is skipped."""
    for name in names:
        if value := os.environ.get(name, "").strip():
            return value
    return pytest.skip(f"needs {' or '.join(names)}")


@pytest.fixture(scope="session")
def cluster() -> Iterator[LiveCluster]:
    """A fresh namespace, which admits only restricted pods."""
    needed("KUBECONFIG")
    namespace = fresh_namespace()
    try:
        made = namespace.__enter__()
    except Refused as error:
        pytest.skip(f"needs the right to create a namespace: {error}")
    yield made
    namespace.__exit__(None, None, None)


@pytest.fixture(scope="session")
def store(cluster: LiveCluster) -> Iterator[LiveStore]:
    """A place in a store, whose keys are in the namespace's secret."""
    with named_or_started_store() as found:
        cluster.create(found.secret())
        yield found


def named_or_started_store() -> AbstractContextManager[LiveStore]:
    """Return a context with a place in the store that the environment names, or in one that is started for it."""
    where = needed(STORE, ADDRESS)
    return nullcontext(named_store(where)) if "://" in where else store_here(where)


@pytest.fixture(scope="session")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an MLflow server that pods and this machine reach."""
    if named := os.environ.get(MLFLOW, "").strip():
        yield named
        return
    address, folder = needed(ADDRESS), tmp_path_factory.mktemp("mlflow")
    with mlflow_at(address, folder) as here:
        yield here


@pytest.fixture
def recorded_run(monkeypatch: pytest.MonkeyPatch, cluster: LiveCluster) -> Iterator[Callable[..., str]]:
    """Gives a KFP API, which the commands then ask, a run as a real one described it; returns the run's id.

    What Kubernetes knows of that run is asked of the real cluster. `instead` is the step that what is said of extract
    is said of.
    """
    with fake_cluster() as kfp:
        monkeypatch.setenv("PAWLINE_KFP_HOST", kfp.url)
        monkeypatch.setenv("PAWLINE_KFP_NAMESPACE", cluster.namespace)

        def give(name: str, instead: str = "extract") -> str:
            status, said = recorded(name)
            answer = json.loads(json.dumps(said).replace("extract", instead))
            kfp.routes["GET", f"/apis/v2beta1/runs/{answer['run_id']}"] = status, answer
            return str(answer["run_id"])

        yield give


@pytest.fixture(scope="session")
def step_image() -> str:
    return needed("PAWLINE_TEST_STEP_IMAGE")


@pytest.fixture(scope="session")
def train_image() -> str:
    return needed("PAWLINE_TEST_TRAIN_IMAGE")


@pytest.fixture(scope="session")
def serve_image() -> str:
    return needed("PAWLINE_TEST_SERVE_IMAGE")
