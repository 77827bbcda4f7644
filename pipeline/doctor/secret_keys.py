"""Secrets and ConfigMaps that steps are given: whether they are there, with each key, filled in."""

from collections.abc import Collection, Iterable, Iterator

from pipeline.doctor.finding import Finding, NotChecked, note, unchecked, well, wrong
from pipeline.doctor.given import read_secret
from pipeline.doctor.namespace import account_object, account_of
from pipeline.doctor.needs import KeysOf
from pipeline.doctor.setup import Setup

SUBJECT, CONFIG_MAP = "secret", "ConfigMap"
# Without these S3 and MLflow have usual values.
NOT_NEEDED = ("AWS_DEFAULT_REGION", "AWS_S3_ENDPOINT")
# Annotations and labels of service accounts that get keys from a cloud.
IDENTITIES = ("eks.amazonaws.com/role-arn", "iam.gke.io/gcp-service-account", "azure.workload.identity/client-id")
WHAT_IS_MOUNTED = {
    False: ("certificate", "BEGIN CERTIFICATE", "--ca-bundle"),
    True: ("public key", "BEGIN PUBLIC KEY", "--trusted-key"),
}
TEMPLATES = "kubectl create --edit -f manifests/secrets/"


def check(setup: Setup) -> Iterable[Finding]:
    """Yield one finding for each secret and ConfigMap that the YAML names."""
    setup.in_kubernetes()
    secrets = {secret.name: secret for step in setup.steps for secret in step.secrets}
    for secret in secrets.values():
        yield _each(setup, f"{SUBJECT} {secret.name}", secret)
    for name in sorted({secret for step in setup.steps for secret in step.pull_secrets}):
        yield _pull_secret(setup, name)
    yield from _config_maps(setup)


def _each(setup: Setup, subject: str, secret: KeysOf) -> Finding:
    try:
        values = read_secret(setup, secret.name)
    except NotChecked as reason:
        return unchecked(subject, reason)
    if values is None:
        return _absent(setup, subject, secret)
    empty = [key for key in secret.keys.values() if not values.get(key, "").strip()]
    kept = {} if "PAWLINE_SIGNING_KEY" in secret.keys else values  # A key in PEM ends with a line end.
    ragged = [key for key in secret.keys.values() if kept.get(key, "") != kept.get(key, "").strip()]
    if needed := [key for key in empty if key not in NOT_NEEDED or not secret.optional]:
        return _lacking(setup, subject, secret, needed, values)
    if ragged:
        advice = "Write it anew, without (`echo -n`)"
        return wrong(subject, f"{', '.join(ragged)} begins or ends with a blank or line end", advice)
    return well(subject, f"it has {', '.join(sorted(key for key in secret.keys.values() if key in values))}")


def _lacking(setup: Setup, subject: str, secret: KeysOf, empty: Collection[str], there: Collection[str]) -> Finding:
    """Return what follows from keys of a secret that are `empty` or not among those `there`."""
    lacks = f"it has no {', '.join(empty)}"
    if "PAWLINE_SIGNING_KEY" in secret.keys:
        return wrong(subject, f"{lacks}, which train signs by", "Put it in, or correct --signing-secret")
    if not secret.optional:
        return wrong(subject, f"{lacks}, and this YAML asks for every key", "Put it in, or leave out --old-backend")
    if _is_of_mlflow(secret):
        return note(
            subject, f"{lacks}: right only where MLflow has no users", f"Else `kubectl edit secret {secret.name}`"
        )
    if _has_identity(setup):
        return note(subject, f"{lacks}; the service account gets keys by workload identity")
    others = ", ".join(sorted(set(there) - set(secret.keys.values()))) or "none"
    return wrong(subject, f"{lacks}; other keys in it: {others}", f"`kubectl edit secret {secret.name}`: put it in")


def _absent(setup: Setup, subject: str, secret: KeysOf) -> Finding:
    lacks, advice = f"it is not in {setup.in_kubernetes().namespace}", f"Create it (`{TEMPLATES}{secret.name}.yaml`)"
    if not secret.optional:
        return wrong(subject, f"{lacks}, and every step waits for it", advice)
    if _is_of_mlflow(secret):
        return note(subject, f"{lacks}: right only where MLflow has no users", f"Else: {advice}")
    if _has_identity(setup):
        return note(subject, f"{lacks}; the service account gets keys by workload identity")
    return wrong(subject, f"{lacks}, so steps have no keys", f"{advice}, or correct s3_secret")


def _is_of_mlflow(secret: KeysOf) -> bool:
    return any(name.startswith("MLFLOW_") for name in secret.keys)


def _has_identity(setup: Setup) -> bool:
    found = account_object(setup, account_of(setup))
    return any(identity in ((found or {}).get("metadata") or {}).get("annotations", {}) for identity in IDENTITIES)


def _pull_secret(setup: Setup, name: str) -> Finding:
    subject = f"{SUBJECT} {name}"
    found = setup.read(f"/api/v1/namespaces/{{namespace}}/secrets/{name}", f"secret {name}")
    if found is None:
        return wrong(subject, "the pull secret is not there", "Create it (`kubectl create secret docker-registry`)")
    if found.get("type") not in ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"):
        return wrong(
            subject,
            f"a pull secret is of type kubernetes.io/dockerconfigjson. Received: {found.get('type')}",
            "Create it with `kubectl create secret docker-registry`",
        )
    return well(subject, "the pull secret is there")


def _config_maps(setup: Setup) -> Iterator[Finding]:
    for item in {item.name: item for step in setup.steps for item in step.config_maps}.values():
        name, optional = item.name, item.optional
        subject, key = f"{CONFIG_MAP} {name}", next(iter(item.keys.values()), "")
        what, begins, option = WHAT_IS_MOUNTED["PAWLINE_TRUSTED_KEY" in item.keys]
        found = setup.read(f"/api/v1/namespaces/{{namespace}}/configmaps/{name}", f"ConfigMap {name}")
        if found is None and not optional:
            yield wrong(subject, "it is not there, and every step waits for it", f"Create it, or correct {option}")
        elif found is not None and key and begins not in str((found.get("data") or {}).get(key, "")):
            yield wrong(
                subject,
                f"it has no {what} under the key {key}",
                f"Put it there, or compile with {option} {name}{'/KEY' if option == '--ca-bundle' else ''}",
            )
        elif found is not None:
            yield well(subject, f"it has {key}" if key else "it is there")
