"""What a step is given: the values of its secrets and the certificates that it trusts, as far as they may be read."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.doctor.finding import NotChecked
from pipeline.doctor.needs import StepNeeds
from pipeline.doctor.setup import Setup


@dataclass(frozen=True, slots=True)
class Given:
    """Variables as a step has them, and from where in words; `in_cluster` where they are those of its pod."""

    variables: Mapping[str, str]
    source: str
    ca_bundle: Path | None
    in_cluster: bool


def given_to(setup: Setup, step: StepNeeds, prefix: str, ca_variable: str) -> Given:
    """Return the variables that begin with `prefix` as `step` will have them, else those of this environment.

    A pod has what its secrets and the YAML say; here it is the environment, also for a cluster whose secret cannot be
    read. `ca_variable` names the file of trusted certificates.
    """
    here = {name: value for name, value in setup.environment.items() if name.startswith(prefix)}
    bundle = setup.environment.get(ca_variable, "")
    own = Given(here, "this environment", Path(bundle) if bundle else None, False)
    if not setup.for_cluster or isinstance(setup.kubernetes, str):
        return own
    try:
        return _in_pod(setup, step, prefix, ca_variable)
    except NotChecked:  # Said by the check of secrets.
        return own


def read_secret(setup: Setup, name: str) -> dict[str, str] | None:
    """Return the values of a secret by key, None where there is no such secret. Errors are as in `Setup.read`."""
    found = setup.read(f"/api/v1/namespaces/{{namespace}}/secrets/{name}", f"secret {name}")
    if found is None:
        return None
    return {key: _decoded(str(value)) for key, value in (found.get("data") or {}).items()}


def _in_pod(setup: Setup, step: StepNeeds, prefix: str, ca_variable: str) -> Given:
    variables = {name: value for name, value in step.environment.items() if name.startswith(prefix)}
    sources = []
    for secret in step.secrets:
        if not any(name.startswith(prefix) for name in secret.keys):
            continue
        values = read_secret(setup, secret.name) or {}
        variables |= {name: values[key].strip() for name, key in secret.keys.items() if values.get(key, "").strip()}
        sources.append(f"secret {secret.name}")
    setup.secrets.update(variables)
    return Given(variables, " and ".join(sources) or "the YAML", _certificates(setup, step, ca_variable), True)


def _certificates(setup: Setup, step: StepNeeds, ca_variable: str) -> Path | None:
    """Return a file with what the step's ConfigMap holds, None where it has none."""
    key = Path(step.environment.get(ca_variable, "")).name
    if not key or not step.config_maps:
        return None
    name = step.config_maps[0].name
    found = setup.read(f"/api/v1/namespaces/{{namespace}}/configmaps/{name}", f"ConfigMap {name}") or {}
    text = (found.get("data") or {}).get(key)
    if not text:
        return None
    file = setup.folder / f"{ca_variable}.crt"
    file.write_text(str(text), encoding="utf-8")
    return file


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value).decode(errors="replace")
    except (binascii.Error, ValueError):
        return ""
