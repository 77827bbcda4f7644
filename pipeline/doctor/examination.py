"""All checks, each with the module that makes it; they are made at once, and each has its time.

A check takes the `Setup` and yields findings. It raises NotChecked for what it cannot look at.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from components.step.errors import PawlineError, one_line
from components.step.files import scratch_folder
from components.step.secrets import without_secret_values
from pipeline.cluster.kfp_api import KfpApi
from pipeline.cluster.kubernetes_api import KubernetesApi
from pipeline.cluster.named import NamedServer
from pipeline.doctor import (
    connections,
    images,
    kfp,
    limits,
    machine,
    mlflow,
    monitoring,
    namespace,
    nodes,
    pod_security,
    quotas,
    rights,
    scratch,
    secret_keys,
    store,
)
from pipeline.doctor.finding import Finding, NotChecked, unchecked
from pipeline.doctor.needs import StepNeeds
from pipeline.doctor.setup import Setup

SECONDS = 60.0
Result = TypeVar("Result")
Check = Callable[[Setup], Iterable[Finding]]
CHECKS: Mapping[str, Check] = {
    "machine": machine.check,
    "store": store.check,
    "MLflow": mlflow.check,
    "KFP": kfp.check,
    "namespace": namespace.check,
    "rights": rights.check,
    "secrets": secret_keys.check,
    "images": images.check,
    "quota": quotas.check,
    "limit ranges": limits.check,
    "nodes": nodes.check,
    "scratch": scratch.check,
    "pod security": pod_security.check,
    "Prometheus": monitoring.check,
}


@dataclass(frozen=True)
class Examined:
    """A run as it would be begun, and where; see `Setup`. `cluster_meant` tells whether Kubernetes is looked for."""

    parameters: Mapping[str, Any]
    steps: tuple[StepNeeds, ...]
    for_cluster: bool
    environment: Mapping[str, str]
    server: NamedServer | None
    namespace: str
    cluster_meant: bool
    service_account: str = ""


def examine(examined: Examined, checks: Mapping[str, Check] = CHECKS, seconds: float = SECONDS) -> list[Finding]:
    """Return what `checks` find, without any secret of the environment; each has `seconds`."""
    kubernetes, kfp_api = _connect(examined, seconds)
    unconnected = [found for found in (kubernetes, kfp_api) if isinstance(found, Finding)]
    with scratch_folder() as folder:
        setup = Setup(
            parameters=examined.parameters,
            steps=examined.steps,
            for_cluster=examined.for_cluster,
            environment=examined.environment,
            kubernetes=_why_not(kubernetes) if isinstance(kubernetes, Finding) else kubernetes,
            kfp=_why_not(kfp_api) if isinstance(kfp_api, Finding) else kfp_api,
            folder=folder,
            service_account=examined.service_account,
        )
        made = at_once({name: partial(_made, name, check, setup) for name, check in checks.items()}, seconds)
    findings = (finding for name in checks for finding in made.get(name, [_late(name, seconds)]))
    return [_without_secrets(finding, examined.environment, setup.secrets) for finding in (*unconnected, *findings)]


def at_once(tasks: Mapping[str, Callable[[], Result]], seconds: float) -> dict[str, Result]:
    """Return what each of `tasks` returns, all begun at once; one that takes longer than `seconds` is left out.

    Raises:
        Exception: what one of them raises.
    """
    results: dict[str, Result] = {}
    raised: list[Exception] = []

    def do(name: str) -> None:
        try:
            results[name] = tasks[name]()
        except Exception as error:
            raised.append(error)

    # Daemons: one that still waits for a server keeps nobody from ending.
    threads = [threading.Thread(target=do, args=(name,), daemon=True) for name in tasks]
    for thread in threads:
        thread.start()
    ends = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, ends - time.monotonic()))
    if raised:
        raise raised[0]
    return dict(results)


def _connect(examined: Examined, seconds: float) -> tuple[KubernetesApi | Finding, KfpApi | Finding]:
    kubernetes, kfp_api = connections.KUBERNETES, connections.KFP
    found: Mapping[str, Any] = at_once(
        {
            kubernetes: lambda: connections.connect_kubernetes(examined.namespace, examined.cluster_meant),
            kfp_api: lambda: connections.connect_kfp(examined.server),
        },
        seconds,
    )
    late = connections.late
    return (found.get(kubernetes) or late(kubernetes, seconds), found.get(kfp_api) or late(kfp_api, seconds))


def _why_not(found: Finding) -> str:
    return found.sentence if found.subject == connections.NAMESPACE else f"there is no connection with {found.subject}"


def _made(subject: str, check: Check, setup: Setup) -> list[Finding]:
    """Return what `check` finds; what ends it early, an answer that makes no sense too, is a finding itself."""
    findings: list[Finding] = []
    try:
        findings.extend(check(setup))  # Keeps what came before an error.
    except (NotChecked, PawlineError) as error:
        findings.append(unchecked(subject, one_line(error, 400)))
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        findings.append(
            unchecked(subject, f"an answer makes no sense ({type(error).__name__}: {one_line(error, 120)})")
        )
    return findings


def _late(subject: str, seconds: float) -> Finding:
    return unchecked(subject, f"it took more than {seconds:.0f} s")


def _without_secrets(finding: Finding, *sources: Mapping[str, str]) -> Finding:
    sentence, advice = finding.sentence, finding.advice
    for source in sources:  # Two may have different values of one name.
        sentence, advice = (without_secret_values(text, source) for text in (sentence, advice))
    return replace(finding, sentence=sentence, advice=advice)
