"""Servers whose names only pods know: what Kubernetes knows of the Service behind one."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from pipeline.doctor.finding import Finding, unchecked, well, wrong
from pipeline.doctor.reach import Trouble, service_inside
from pipeline.doctor.setup import Setup


def inside_or_wrong(setup: Setup, subject: str, url: str, trouble: Trouble) -> Iterator[Finding]:
    """Yield what is known of the server at `url`, which cannot be reached from here for `trouble`."""
    parts = urlsplit(url)
    namespace = "" if isinstance(setup.kubernetes, str) else setup.kubernetes.namespace
    inside = service_inside(parts.hostname or "", namespace)
    if not trouble.nameless or inside is None or not setup.for_cluster:
        yield wrong(subject, f"{url}: {trouble.sentence}", trouble.advice)
        return
    name, where = inside
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = setup.read(f"/api/v1/namespaces/{where}/services/{name}", f"Service {name} in {where}")
    if found is None:
        yield wrong(
            subject,
            f"{url}: there is no Service {name} in {where}",
            "Correct the address, or install what is to answer",
        )
        return
    ports = [item.get("port") for item in (found.get("spec") or {}).get("ports") or []]
    if port not in ports and (found.get("spec") or {}).get("type") != "ExternalName":
        listed = ", ".join(map(str, ports))
        yield wrong(
            subject, f"{url}: Service {name} has no port {port}, but {listed}", "Correct the port in the address"
        )
    elif not _is_ready(setup, name, where):
        yield wrong(
            subject, f"{url}: no pod behind Service {name} in {where} is ready", "Look at its pods (`kubectl get pods`)"
        )
    else:
        yield well(f"{subject} address", f"{url} is Service {name} in {where}, with ready pods behind it")
        yield unchecked(subject, f"{url} is an address inside the cluster: run doctor in a pod, or with a port-forward")


def _is_ready(setup: Setup, name: str, namespace: str) -> bool:
    found = setup.read(f"/api/v1/namespaces/{namespace}/endpoints/{name}", "endpoints")
    return any(subset.get("addresses") for subset in (found or {}).get("subsets") or [])
