"""KFP: which it is, whether it knows the token and the namespace, and whether it reads what the YAML says."""

import re
from collections.abc import Iterable, Iterator

from components.step.errors import DataError, PawlineError, one_line
from pipeline.cluster.kfp_api import KfpApi
from pipeline.cluster.named import NAMESPACE
from pipeline.doctor.finding import Finding, well, wrong
from pipeline.doctor.setup import Setup

KFP = "KFP"
OLD_BACKEND = "Compile with `pawline compile --old-backend`"
LEAST = (2, 5)
# The versions that give pods a security context, read keys as optional, and know a step's deadline.
WITH_SECURITY, WITH_OPTIONAL, WITH_DEADLINE = (2, 16), (2, 15), (2, 17)


def check(setup: Setup) -> Iterable[Finding]:
    """Yield what the KFP API says; where there is none, `connections` has said so."""
    if isinstance(setup.kfp, KfpApi):
        yield from _admits(setup.kfp)
        yield from _reads(setup, setup.kfp)


def version_of(kfp: KfpApi) -> tuple[int, int] | None:
    """Return the server's version, the least that it can be where it doesn't say; None for one of an unknown kind."""
    if found := re.search(r"(\d+)\.(\d+)", kfp.version):
        return int(found[1]), int(found[2])
    return None


def _admits(kfp: KfpApi) -> Iterator[Finding]:
    namespace = kfp.server.namespace
    if kfp.health.get("multi_user") and not namespace:
        yield wrong(KFP, f"{kfp.met} is one of several people, and no namespace is named", f"Set {NAMESPACE} to yours")
        return
    try:
        for kind in ("pipelines", "experiments"):
            kfp.get(f"/{kind}", {"page_size": "1", **kfp.of_namespace})
    except DataError as error:
        yield wrong(
            KFP, f"{kfp.met} refuses namespace {namespace or '(none)'}: {_received(error)}", f"Correct {NAMESPACE}"
        )
        return
    except PawlineError as error:
        token = "the token" if kfp.server.token else "a request without token"
        yield wrong(
            KFP, f"{kfp.met} does not admit {token}: {_received(error)}", "Set PAWLINE_KFP_TOKEN (`oc whoami -t`)"
        )
        return
    yield well(KFP, f"{kfp.met} admits the runs" + (f" in {namespace}" if kfp.of_namespace else ""))


def _reads(setup: Setup, kfp: KfpApi) -> Iterator[Finding]:
    version = version_of(kfp)
    if version is None or not setup.for_cluster:
        return
    if version < LEAST:
        yield wrong("KFP version", f"KFP {kfp.version} is older than 2.5", "Use a server of KFP 2.5 or later")
    elif version < WITH_DEADLINE and any(step.deadline for step in setup.steps):
        sentence = f"this old backend (KFP {kfp.version}) refuses the YAML, in which steps have a time limit"
        yield wrong("KFP version", sentence, "Compile without --timeout-minutes")
    elif version < WITH_OPTIONAL and any(secret.optional for step in setup.steps for secret in step.secrets):
        sentence = f"this old backend (KFP {kfp.version}) passes over what is newer in the YAML"
        yield wrong("KFP version", sentence, OLD_BACKEND)
    else:
        yield well("KFP version", f"KFP {kfp.version} reads all that the YAML says")


def _received(error: PawlineError) -> str:
    return one_line(str(error).partition("Received: ")[2] or error, 300).rstrip(".")
