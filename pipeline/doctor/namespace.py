"""The namespace of the runs, and the service account that their pods will have."""

from collections.abc import Iterable, Mapping
from typing import Any

from components.step.errors import PawlineError
from pipeline.cluster.kfp_api import KfpApi
from pipeline.cluster.named import NAMESPACE
from pipeline.doctor.finding import Finding, NotChecked, unchecked, well, wrong
from pipeline.doctor.setup import Setup

SUBJECT, ACCOUNT = "namespace", "service account"
# What KFP gives pods where nobody names one: alone, for several people; OpenShift AI appends the server's name.
USUAL = ("pipeline-runner", "default-editor", "pawline-runs")
OPENSHIFT = "pipeline-runner-"


def check(setup: Setup) -> Iterable[Finding]:
    """Yield whether the namespace and the service account are there."""
    name = setup.in_kubernetes().namespace
    yield _of_namespace(setup, name)
    yield _account(setup, name)


def _of_namespace(setup: Setup, name: str) -> Finding:
    try:
        found = setup.read("/api/v1/namespaces/{namespace}", f"namespace {name}")
    except NotChecked as reason:
        return unchecked(SUBJECT, f"{reason}: is it the right one")
    if ((found or {}).get("status") or {}).get("phase") == "Terminating":
        return wrong(SUBJECT, f"namespace {name} is being deleted", "Wait, and create it again")
    return well(SUBJECT, f"{name} is there")


def account_of(setup: Setup) -> str:
    """Return the service account of the runs: as it was named, that of the last run, or one that KFP usually has.

    Raises:
        NotChecked: Kubernetes may not be asked.
    """
    return setup.service_account or _of_last_run(setup) or _of_kfp(setup)


def _account(setup: Setup, namespace: str) -> Finding:
    name = account_of(setup)
    if not name:
        sentence = f"namespace {namespace} has none that KFP gives to runs ({', '.join(USUAL)})"
        return wrong(ACCOUNT, sentence, f"Correct {NAMESPACE}, or name the runs' own by --service-account")
    if account_object(setup, name) is None:
        sentence = f"there is no service account {name} in {namespace}"
        return wrong(ACCOUNT, sentence, f"Correct {NAMESPACE}, create it, or name another by --service-account")
    return well(ACCOUNT, f"{name} is there")


def account_object(setup: Setup, name: str) -> Mapping[str, Any] | None:
    """Return the service account called `name`, None where there is none. Errors are as in `Setup.read`."""
    path = f"/api/v1/namespaces/{{namespace}}/serviceaccounts/{name}"
    return setup.read(path, "service accounts") if name else None


def _of_last_run(setup: Setup) -> str:
    if not isinstance(setup.kfp, KfpApi):
        return ""
    query = {"page_size": "1", "sort_by": "created_at desc", **setup.kfp.of_namespace}
    try:
        runs = setup.kfp.get("/runs", query).get("runs") or []
    except PawlineError:  # Said by the check of KFP.
        return ""
    return str(runs[0].get("service_account") or "") if runs else ""


def _of_kfp(setup: Setup) -> str:
    accounts = setup.listed("/api/v1/namespaces/{namespace}/serviceaccounts", "service accounts")
    names = [account["metadata"]["name"] for account in accounts]
    known = [name for name in names if name in USUAL or name.startswith(OPENSHIFT)]
    return str(known[0]) if known else ""
