"""Why the steps of a run wait or failed: asked of KFP, which keeps their logs, and of Kubernetes where one may."""

from collections.abc import Mapping, Sequence

from components.step.errors import PawlineError
from pipeline.cluster.kfp_api import KfpApi
from pipeline.cluster.kubernetes_api import KubernetesApi
from pipeline.cluster.reasons import event_reason, own_error, pod_reason, step_of_pod, workflow_reasons
from pipeline.cluster.tasks import ClusterStep

LIVE = ("running", "waiting")


def log_path(run_id: str, node: str) -> str:
    """Return where the KFP API serves the log of a node, also after its pod is gone."""
    return f"/apis/v1alpha1/runs/{run_id}/nodes/{node}/log"


def reasons_of(
    kfp: KfpApi, run_id: str, steps: Sequence[ClusterStep], kubernetes: KubernetesApi | None
) -> dict[str, str]:
    """Return why steps wait or failed, by step; without `kubernetes`, what their own logs say.

    Raises:
        ServiceError: Kubernetes does not answer, or may not for us.
    """
    seen = _seen_by_kubernetes(kubernetes, run_id, steps) if kubernetes else {}
    said = {step.name: _own_error(kfp, run_id, step) for step in steps if step.state == "failed"}
    drivers = {
        step.name: "its driver failed: a value may be none that the cluster takes"
        for step in steps
        if step.driver_failed
    }
    return drivers | seen | {name: text for name, text in said.items() if text}


def _seen_by_kubernetes(kubernetes: KubernetesApi, run_id: str, steps: Sequence[ClusterStep]) -> dict[str, str]:
    concerned = {step.name for step in steps if step.state == "failed" or step.state in LIVE}
    if not concerned:
        return {}
    found: dict[str, str] = {}
    for workflow in kubernetes.workflows(run_id):
        found |= workflow_reasons(workflow)
    for pod in kubernetes.pods(run_id):
        reason = pod_reason(pod) or _from_events(kubernetes, pod)
        if reason:
            found[step_of_pod(pod)] = reason
    return {name: reason for name, reason in found.items() if name in concerned}


def _from_events(kubernetes: KubernetesApi, pod: Mapping[str, dict[str, str]]) -> str:
    if pod["status"].get("phase") != "Pending":
        return ""
    return event_reason(kubernetes.events(pod["metadata"]["name"]))


def _own_error(kfp: KfpApi, run_id: str, step: ClusterStep) -> str:
    if not step.node:
        return ""
    try:
        return own_error(kfp.text(log_path(run_id, step.node)))
    except PawlineError:  # The log is gone, or never was: there is nothing to say of it.
        return ""
