"""Rights: of the runs' service account, which KFP's launcher and Argo use, and one's own, to see why a run waits."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pipeline.doctor.finding import Finding, NotChecked, note, unchecked, well, wrong
from pipeline.doctor.namespace import account_object, account_of
from pipeline.doctor.setup import Setup

ACCOUNT, OWN = "rights of runs", "your rights"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class Right(NamedTuple):
    """One verb on one kind of thing."""

    verb: str
    resource: str
    group: str = ""
    name: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}{f' {self.name}' if self.name else ''}"


# As in manifests/components/runs/role.yaml.
OF_RUNS = (
    Right("create", "workflowtaskresults", "argoproj.io"),
    Right("patch", "workflowtaskresults", "argoproj.io"),
    Right("get", "pods"),
    Right("get", "configmaps", name="kfp-launcher"),
)
TO_LOOK = (
    Right("list", "pods"),
    Right("get", "pods/log"),
    Right("list", "events"),
    Right("list", "workflows", "argoproj.io"),
)


def check(setup: Setup) -> Iterable[Finding]:
    """Yield what the runs may, and what the owner of this kubeconfig may."""
    setup.in_kubernetes()
    yield from _of_runs(setup)
    missing = [right for right in TO_LOOK if not _may(setup, right)]
    if missing:
        yield note(
            OWN,
            f"this kubeconfig may not {_joined(missing)}: `pawline status` cannot say why a pod waits",
            "Ask for these rights",
        )
    else:
        yield well(OWN, "this kubeconfig may see why a run waits")


def _of_runs(setup: Setup) -> Iterator[Finding]:
    account = account_of(setup)
    if account_object(setup, account) is None:
        return  # Said by the check of the namespace.
    try:
        missing = [right for right in OF_RUNS if not _may(setup, right, account)]
    except NotChecked as reason:
        yield unchecked(ACCOUNT, reason)
        return
    if missing:
        advice = "Bind it to a Role such as pawline-runs (manifests/components/runs)"
        yield wrong(ACCOUNT, f"service account {account} may not {_joined(missing)}", advice)
    else:
        yield well(ACCOUNT, f"service account {account} may {_joined(list(OF_RUNS))}")


def _may(setup: Setup, right: Right, account: str = "") -> bool:
    """Tell whether the owner of this kubeconfig, or the service `account` of the runs' namespace, has `right`.

    Raises:
        NotChecked: that may not be asked.
    """
    kubernetes = setup.in_kubernetes()
    namespace = kubernetes.namespace
    resource, _, below = right.resource.partition("/")
    asked = {"namespace": namespace, "verb": right.verb, "group": right.group, "resource": resource}
    spec = {"resourceAttributes": asked | {"subresource": below, "name": right.name}}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": spec}
    # The roles edit and admin may speak for the service accounts of their namespace, and ask as one of them.
    whose = {"Impersonate-User": f"system:serviceaccount:{namespace}:{account}"} if account else {}
    status, answer = kubernetes.ask("POST", REVIEWS, body=body, headers=whose)
    if status not in (200, 201):
        raise NotChecked(f"this kubeconfig may not ask in the name of {account or 'its owner'} ({status})")
    return bool((answer.get("status") or {}).get("allowed"))


def _joined(rights: list[Right]) -> str:
    return ", ".join(map(str, rights))
