"""What a compiled pipeline knows of the cluster it is for: images, secrets, labels; no kfp, which takes seconds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from components.parameters import cluster as kubernetes
from components.step.errors import UsageError, one_line

# The grammar of distribution/reference: host and port, lower-case path, tag, digest.
IMAGE = re.compile(
    r"([A-Za-z0-9.-]+(:[0-9]{1,5})?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
    r"(@sha256:[0-9a-f]{64})?"
)
CA_KEY = "ca-bundle.crt"  # As OpenShift calls it.
FILE_NAME = re.compile(r"[A-Za-z0-9._-]{1,253}")
MOST_RETRIES = 10
MOST_MINUTES = 30 * 24 * 60  # Thirty days, after which Argo begins nothing again.


@dataclass(frozen=True, slots=True)
class Destination:
    """Where steps run: their images, and the names of what the cluster keeps for them.

    `train_image` is that of train, which needs TensorFlow, `image` that of the other steps.
    `ca_bundle` is a ConfigMap with CA certificates, or NAME/KEY; `signing_secret` a secret with the private key that
    train signs by, `trusted_key` a ConfigMap with the public one that promote asks for. `scratch` is the size of a
    volume for temporary files, of `storage_class`; `timeout_minutes` what a step may take, 0 for any time.
    `old_backend` leaves out what KFP 2.5.0 does not know. Empty text stands for nothing.
    """

    image: str = "pawline/step:0.1.0"
    train_image: str = "pawline/train:0.1.0"
    pull_secrets: tuple[str, ...] = ()
    mlflow: str = ""
    mlflow_secret: str = "pawline-mlflow"  # noqa: S105  # the secret's name, not its content
    ray_secret: str = ""
    ca_bundle: str = ""
    signing_secret: str = ""
    trusted_key: str = ""
    scratch: str = ""
    storage_class: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    retries: int = 2
    timeout_minutes: int = 0
    old_backend: bool = False


def check_destination(destination: Destination) -> None:
    """Check what of `destination` no function below checks where it is read.

    Raises:
        UsageError: a value is not legal.
    """
    check_mlflow("--mlflow", destination.mlflow)
    config_map, slash, key = destination.ca_bundle.partition("/")
    _check_names("--pull-secret", *destination.pull_secrets)
    _check_names("--mlflow-secret", destination.mlflow_secret)
    _check_names("--ray-secret", *([destination.ray_secret] if destination.ray_secret else []))
    _check_names("--ca-bundle", *([config_map] if destination.ca_bundle else []))
    _check_names("--storage-class", *filter(None, [destination.storage_class]))
    _check_names("--signing-secret", *filter(None, [destination.signing_secret]))
    _check_names("--trusted-key", *filter(None, [destination.trusted_key]))
    if destination.trusted_key and not destination.signing_secret:
        raise refusal("--trusted-key", "given with --signing-secret, or promote refuses all", destination.trusted_key)
    if slash and not FILE_NAME.fullmatch(key):
        raise refusal("--ca-bundle", "the name of a ConfigMap, or NAME/KEY", destination.ca_bundle)
    if destination.scratch:
        kubernetes.check_memory(destination.scratch, "--scratch")
    if destination.storage_class and not destination.scratch:
        raise refusal("--storage-class", "given with --scratch, whose volume it is for", destination.storage_class)
    if not 0 <= destination.retries <= MOST_RETRIES:
        raise refusal("--retries", f"0 to {MOST_RETRIES}", destination.retries)
    if not 0 <= destination.timeout_minutes <= MOST_MINUTES:
        raise refusal("--timeout-minutes", f"0 to {MOST_MINUTES}", destination.timeout_minutes)
    for label, value in destination.labels.items():
        if not kubernetes.is_label(label, value):
            raise refusal("--label", "KEY=VALUE as Kubernetes takes them, such as team=vision", f"{label}={value}")


def check_image(where: str, name: str) -> None:
    """Check that `name`, given by `where`, is an image's.

    Raises:
        UsageError: it is not.
    """
    if not IMAGE.fullmatch(name):
        raise refusal(where, "an image's name such as registry.example.org/pawline-train:0.1.0", name)


def check_mlflow(where: str, uri: str) -> None:
    """Check that `uri`, given by `where`, is empty or the address of a server, and holds no password.

    Raises:
        UsageError: it is not.
    """
    parts = urlsplit(uri)
    if uri and (parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc):
        shown = f"{parts.scheme or 'no scheme'}://{parts.hostname or ''}" if "@" in uri else one_line(uri, 160)
        raise UsageError(
            f"{where} must be the http(s) address of an MLflow server, without user and password. "
            f"Received: {shown}. Correct it."
        )


def refusal(where: str, rule: str, value: object) -> UsageError:
    """Return the error that says that `value`, given by `where`, must be as `rule` says."""
    return UsageError(f"{where} must be {rule}. Received: {where}={one_line(repr(value), 160)}. Correct it.")


def _check_names(where: str, *names: str) -> None:
    for name in names:
        if not kubernetes.SUBDOMAIN.fullmatch(name):
            raise refusal(where, "a name as Kubernetes takes it: lower-case letters, digits, '-' and '.'", name)
