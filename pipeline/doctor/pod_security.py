"""Pod security: what the namespace's labels demand, and what the cluster says to a trial pod, which it never makes."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from components.step.errors import one_line
from pipeline.cluster.kfp_api import KfpApi
from pipeline.doctor.finding import Finding, of_steps, unchecked, well, wrong
from pipeline.doctor.kfp import WITH_SECURITY, version_of
from pipeline.doctor.namespace import account_of
from pipeline.doctor.needs import StepNeeds
from pipeline.doctor.setup import Setup, message_of

SUBJECT, ADMISSION = "pod security", "admission"
LABEL = "pod-security.kubernetes.io/enforce"
# What KFP gives each container of a step from 2.16 on.
CONFINED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
POD = re.compile(r'^pods "[^"]*" is forbidden: ')
CAUSES: Mapping[str, tuple[str, str]] = {
    "violates PodSecurity": (
        "pod security violation",
        "Compile anew with this version, or relax the namespace's label",
    ),
    "exceeded quota": ("quota exceeded", "End what uses it, lower cpu_request and memory_request, or have it raised"),
    "failed quota": ("the quota wants what the pod does not say", "Have a limit range with defaults added"),
    " per Container is ": ("limit range", "Change cpu, memory and what is requested, or have the limit range changed"),
    " per Pod is ": ("limit range", "Change cpu, memory and what is requested, or have the limit range changed"),
    "error looking up service account": ("missing service account", "Name the runs' own by --service-account"),
    "unable to validate against any security context constraint": (
        "no SCC admits it",
        "Bind the account to restricted-v2",
    ),
}


def check(setup: Setup) -> Iterable[Finding]:
    """Yield whether the namespace admits pods like those of the steps."""
    found = setup.read("/api/v1/namespaces/{namespace}", "the namespace")
    level = str((((found or {}).get("metadata") or {}).get("labels") or {}).get(LABEL, "privileged"))
    yield _by_label(setup, level)
    yield from _by_trial(setup)


def _by_label(setup: Setup, level: str) -> Finding:
    if level != "restricted":
        return well(SUBJECT, f"the namespace enforces {one_line(level, 40)}")
    rooted = [step.name for step in setup.steps if not step.non_root]
    if rooted:
        sentence = f"the namespace enforces restricted, and the YAML does not say runAsNonRoot for {', '.join(rooted)}"
        return wrong(SUBJECT, sentence, "Compile without --old-backend, or take another namespace")
    if isinstance(setup.kfp, KfpApi) and (version_of(setup.kfp) or WITH_SECURITY) < WITH_SECURITY:
        sentence = f"the namespace enforces restricted, and KFP {setup.kfp.version} passes over runAsNonRoot"
        return wrong(SUBJECT, sentence, "Use KFP 2.16 or later, or another namespace")
    return well(SUBJECT, "the namespace enforces restricted, which each step keeps to")


def _by_trial(setup: Setup) -> Iterator[Finding]:
    account = account_of(setup) or "default"
    yield from of_steps({step.name: _trial(setup, step, account) for step in setup.steps})


def _trial(setup: Setup, step: StepNeeds, account: str) -> Finding:
    kubernetes = setup.in_kubernetes()
    path = f"/api/v1/namespaces/{kubernetes.namespace}/pods"
    status, answer = kubernetes.ask("POST", path, {"dryRun": "All"}, trial_pod(step, account))
    if status in (200, 201):
        return well(ADMISSION, "the cluster admits a trial pod")
    said = POD.sub("", one_line(message_of(answer), 500))
    if "cannot create resource" in said or status == 401:
        return unchecked(ADMISSION, f"this kubeconfig may not create pods, not even on trial ({status})")
    cause, advice = next((found for text, found in CAUSES.items() if text in said), ("refused", "Correct that"))
    return wrong(ADMISSION, f"{cause}: {said}", advice)


def trial_pod(step: StepNeeds, account: str) -> dict[str, Any]:
    """Return a pod like that which KFP makes of `step`, of service account `account`."""
    container: dict[str, Any] = {
        "name": "main",
        "image": step.image,
        "resources": {"requests": dict(step.requests), "limits": dict(step.limits)},
        "securityContext": {**CONFINED, **({"runAsNonRoot": True} if step.non_root else {})},
    }
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "serviceAccountName": account,
        "nodeSelector": dict(step.node_selector),
        "tolerations": [dict(each) for each in step.tolerations],
        "imagePullSecrets": [{"name": name} for name in step.pull_secrets],
        "containers": [container],
    }
    metadata = {"generateName": f"pawline-{step.name}-", "labels": dict(step.labels)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
