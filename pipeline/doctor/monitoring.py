"""Prometheus: whether the cluster knows PodMonitors, as the component serve-monitoring has one."""

from collections.abc import Iterable

from pipeline.doctor.finding import Finding, note, well
from pipeline.doctor.setup import Setup

SUBJECT = "Prometheus"


def check(setup: Setup) -> Iterable[Finding]:
    """Yield whether PodMonitors are known; no run needs them."""
    found = setup.read("/apis/monitoring.coreos.com/v1", "which kinds of resources there are")
    if any(each.get("name") == "podmonitors" for each in (found or {}).get("resources") or []):
        yield well(SUBJECT, "PodMonitors are known: serve-monitoring can be switched on")
    else:
        yield note(
            SUBJECT, "there is no Prometheus operator (PodMonitor)", "Leave serve-monitoring off; runs need none"
        )
