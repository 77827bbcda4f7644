"""What must hold of every pod that the manifests make: a policy yields a line for each thing that breaks it."""

from collections.abc import Iterator
from typing import Any

from tests.support.manifest_pods import Pod, pods
from tests.support.manifests import Document, walk

# The volumes that pod security "restricted" lets pods have.
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def containers(documents: list[Document]) -> Iterator[tuple[Pod, dict[str, Any]]]:
    """Yield each container with its pod."""
    return ((pod, container) for pod in pods(documents) for container in pod.containers)


def pods_are_restricted(documents: list[Document]) -> Iterator[str]:
    """Kubernetes' pod security standard "restricted", in full."""
    for pod in pods(documents):
        if shared := {"hostNetwork", "hostPID", "hostIPC"} & {key for key, value in pod.spec.items() if value}:
            yield f"{pod.maker}: {shared}"
        for volume in pod.spec.get("volumes", []):
            if not set(volume) - {"name"} <= VOLUMES:
                yield f"{pod.maker}: volume {volume}"
        if pod.spec.get("securityContext", {}).get("sysctls"):
            yield f"{pod.maker}: sysctls"
    for pod, container in containers(documents):
        own = container.get("securityContext", {})
        both = pod.spec.get("securityContext", {}) | own
        holds = {
            "runAsNonRoot": both.get("runAsNonRoot") is True and both.get("runAsUser") != 0,
            "seccompProfile": both.get("seccompProfile", {}).get("type") in ("RuntimeDefault", "Localhost"),
            "allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is False,
            "privileged": not own.get("privileged"),
            "drop": own.get("capabilities", {}).get("drop") == ["ALL"],
            "add": set(own.get("capabilities", {}).get("add", [])) <= {"NET_BIND_SERVICE"},
            "procMount": own.get("procMount", "Default") == "Default",
            "options": not {"seLinuxOptions", "windowsOptions"} & set(both),
            "hostPort": not any(port.get("hostPort") for port in container.get("ports", [])),
        }
        yield from (f"{pod.maker}: {name}" for name, held in holds.items() if not held)


def nothing_else_is_open(documents: list[Document]) -> Iterator[str]:
    """Root is read-only, no token lies in the pod, and no Service turns into a variable."""
    for pod, container in containers(documents):
        if not container.get("securityContext", {}).get("readOnlyRootFilesystem"):
            yield f"{pod.maker}: readOnlyRootFilesystem"
        if pod.spec.get("automountServiceAccountToken", True) or pod.spec.get("enableServiceLinks", True):
            yield f"{pod.maker}: automountServiceAccountToken, enableServiceLinks"


def no_user_is_fixed(documents: list[Document]) -> Iterator[str]:
    """OpenShift gives each namespace users of its own and refuses others."""
    for pod in pods(documents):
        for path, value in walk(pod.spec):
            if path.endswith((".runAsUser", ".runAsGroup", ".fsGroup", ".supplementalGroups")):
                yield f"{pod.maker}: {path} {value}"


def resources_are_said(documents: list[Document]) -> Iterator[str]:
    """Requests and limits of processor, memory and disk; scratch volumes have a size."""
    for pod, container in containers(documents):
        for kind in ("requests", "limits"):
            said = container.get("resources", {}).get(kind, {})
            if missing := {"cpu", "memory", "ephemeral-storage"} - set(said):
                yield f"{pod.maker}: {kind} {missing}"
        for volume in pod.spec.get("volumes", []):
            if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
                yield f"{pod.maker}: {volume}"


def servers_are_probed(documents: list[Document]) -> Iterator[str]:
    """All three probes, at ports that the container has."""
    for pod, container in containers(documents):
        for probe in PROBES:
            asked = container.get(probe, {})
            if not asked:
                yield f"{pod.maker}: no {probe}"
            for how in ("httpGet", "tcpSocket"):
                if how in asked and pod.port(asked[how]["port"]) is None:
                    yield f"{pod.maker}: {probe} asks {asked[how]['port']}"
