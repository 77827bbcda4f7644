"""The first that is examined: KFP and Kubernetes, which most other checks ask."""

import base64
import binascii
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from components.step.errors import PawlineError, one_line
from components.step.strict_json import read_json
from pipeline.cluster.kfp_api import KfpApi
from pipeline.cluster.kubernetes_api import KubernetesApi
from pipeline.cluster.named import CA_BUNDLE, HOST, TOKEN, NamedServer
from pipeline.cluster.named import NAMESPACE as NAMED_NAMESPACE
from pipeline.doctor.finding import Finding, unchecked, wrong
from pipeline.doctor.reach import trouble_reaching
from pipeline.doctor.setup import message_of

KFP, KUBERNETES, NAMESPACE = "KFP", "Kubernetes", "namespace"
TRUST = "Name the CA's certificate in the kubeconfig (certificate-authority)"
LOG_IN = "Log in again (`oc login`), or name another kubeconfig by KUBECONFIG"


def connect_kfp(server: NamedServer | None) -> KfpApi | Finding:
    """Return the KFP API at `server`, or why there is none; `server` is None where nobody named one."""
    if server is None:
        return unchecked(KFP, f"no server is named by --host or {HOST}")
    ca_advice = f"Name a file with the CA's certificate by {CA_BUNDLE}"
    if trouble := trouble_reaching(server.address, server.ca_bundle, ca_advice, by_proxy=False):
        return wrong(KFP, f"{server.address}: {trouble.sentence}", f"{trouble.advice} (--host or {HOST})")
    if ended := _expiry(server.token):
        return wrong(KFP, f"the token in {TOKEN} expired at {ended}", "Take a new one (`oc whoami -t`)")
    try:
        return KfpApi(server)
    except PawlineError as error:
        return _as_finding(KFP, error)


def connect_kubernetes(namespace: str, meant: bool) -> KubernetesApi | Finding:
    """Return the Kubernetes API, whose runs are in `namespace`, or why there is none.

    `meant` tells whether anything here says that a cluster is: a kubeconfig that merely lies about is of no concern.
    """
    if not meant:
        return unchecked(KUBERNETES, f"no cluster is meant: there is no pawline.yaml, {HOST} or KUBECONFIG")
    try:
        kubernetes = KubernetesApi(namespace)
    except PawlineError as error:
        if file := os.environ.get("KUBECONFIG"):
            said = f"the kubeconfig that KUBECONFIG names, {one_line(file, 120)}, is none: {_received(error)}"
            return wrong(KUBERNETES, said.rstrip("."), "Correct the file or the name, or log in")
        return unchecked(KUBERNETES, f"there is no kubeconfig: {_received(error)} Set KUBECONFIG, or log in")
    told = kubernetes.configuration
    if told.verify_ssl and not told.proxy:
        known = Path(told.ssl_ca_cert) if told.ssl_ca_cert else None
        if trouble := trouble_reaching(told.host, known, TRUST, by_proxy=False):
            advice = f"{trouble.advice}, or name another kubeconfig by KUBECONFIG"
            return wrong(KUBERNETES, f"{told.host}: {trouble.sentence}", advice)
    return _admitted(kubernetes)


def late(subject: str, seconds: float) -> Finding:
    """Return that the server of `subject` took connections, and said nothing for so long."""
    advice = (
        f"Look whether it is busy or ill, or name another by {f'--host or {HOST}' if subject == KFP else 'KUBECONFIG'}"
    )
    return wrong(subject, f"it does not answer within {seconds:.0f} s", advice)


def _admitted(kubernetes: KubernetesApi) -> KubernetesApi | Finding:
    try:
        status, answer = kubernetes.ask("GET", f"/api/v1/namespaces/{kubernetes.namespace}")
    except PawlineError as error:
        return _as_finding(KUBERNETES, error)
    if status == 401:
        said = one_line(message_of(answer), 120)
        return wrong(
            KUBERNETES,
            f"{kubernetes.configuration.host} does not know this kubeconfig's token any more (401 {said})",
            LOG_IN,
        )
    if status not in (200, 403, 404) or (status == 200 and not isinstance(answer, dict)):
        said = f"{kubernetes.configuration.host} answers {status} {one_line(message_of(answer), 120)}"
        return wrong(KUBERNETES, f"{said} instead of its namespace {kubernetes.namespace}", LOG_IN)
    if status == 404:
        advice = f"Correct --namespace or {NAMED_NAMESPACE}, or create it"
        return wrong(NAMESPACE, f"there is no namespace {kubernetes.namespace}", advice)
    return kubernetes


def _as_finding(subject: str, error: PawlineError) -> Finding:
    """Return the one line of `error`, "Rule. Received: what. What to do.", as a finding."""
    rule, _, rest = str(error).partition(" Received: ")
    received, _, advice = rest.rpartition(". ")
    return wrong(subject, f"{rule} Received: {received or rest}", advice.rstrip("."))


def _received(error: PawlineError) -> str:
    return one_line(str(error).partition("Received: ")[2].partition(". ")[0] or error, 200) + "."


def _expiry(token: str) -> str:
    """Return when `token` expired, where it is a JSON Web Token that says so, else ""."""
    parts = token.split(".")
    if len(parts) != 3:
        return ""
    try:
        claims = read_json(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        ends = float(claims["exp"])
        return f"{datetime.fromtimestamp(ends, UTC):%Y-%m-%d %H:%M} UTC" if ends < time.time() else ""
    except (ValueError, LookupError, TypeError, OverflowError, OSError, binascii.Error):
        return ""
