"""Servers whose names only pods know: what Kubernetes knows of the Service behind one."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from pipeline.doctor.finding import Finding, unchecked, wrong
from pipeline.doctor.reach import Trouble, service_inside
from pipeline.doctor.setup import Setup


def inside_or_wrong(setup: Setup, subject: str, url: str, trouble: Trouble) -> Iterator[Finding]:
    """Yield what is known of the server at `url`, which cannot be reached from here for `trouble`."""
    if not (trouble.nameless and setup.for_cluster):
        yield wrong(subject, f"{url}: {trouble.sentence}", trouble.advice)
        return
    parts = urlsplit(url)
    namespace = "" if isinstance(setup.kubernetes, str) else setup.kubernetes.namespace
    inside = service_inside(parts.hostname or "", namespace)
    if inside is None:
        yield wrong(subject, f"{url}: {trouble.sentence}", trouble.advice)
        return
    name, where = inside
    found = setup.read(f"/api/v1/namespaces/{where}/services/{name}", f"Service {name} in {where}")
    if found is None:
        advice = "Correct the address, or install what is to answer"
        yield wrong(subject, f"{url}: there is no Service {name} in {where}", advice)
    elif trouble_inside := _trouble(setup, found, parts.port or (443 if parts.scheme == "https" else 80)):
        yield wrong(subject, f"{url}: Service {name} in {where} {trouble_inside}", "Correct the address, or its pods")
    else:
        yield unchecked(subject, f"{url}, Service {name} in {where}, is seen by pods alone: port-forward it to try it")


def _trouble(setup: Setup, service: Mapping[str, Any], port: int) -> str:
    """Return what keeps pods from `service` at `port`, in words that go on after its name, "" for nothing."""
    spec, metadata = service.get("spec") or {}, service.get("metadata") or {}
    if spec.get("type") == "ExternalName":  # A name of the world, which Kubernetes knows no more of.
        return ""
    ports = [item.get("port") for item in spec.get("ports") or []]
    if port not in ports:
        return f"has no port {port}, but {', '.join(map(str, ports)) or 'none'}"
    path = f"/api/v1/namespaces/{metadata.get('namespace')}/endpoints/{metadata.get('name')}"
    subsets = (setup.read(path, "endpoints") or {}).get("subsets") or []
    return "" if any(subset.get("addresses") for subset in subsets) else "has no pod behind it that is ready"
