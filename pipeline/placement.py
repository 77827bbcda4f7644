"""How a step lives on a cluster: its image, user, secrets, certificates, volume, labels, retries and time.

Two fields of these are newer than KFP 2.5.0: runAsNonRoot, and that the keys of a secret are optional. `old_backend`
leaves them out.
"""

from collections.abc import Mapping
from typing import Any

from kfp import dsl, kubernetes

from components.step.pipeline_run import RUN
from pipeline.destination import CA_KEY, Destination

# Left: the keys of an OpenShift AI data connection; right: the variables that boto3 reads.
S3_KEYS = {
    "AWS_ACCESS_KEY_ID": "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY": "AWS_SECRET_ACCESS_KEY",
    "AWS_DEFAULT_REGION": "AWS_DEFAULT_REGION",
    "AWS_S3_ENDPOINT": "AWS_ENDPOINT_URL_S3",
}
MLFLOW_KEYS = {name: name for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")}
CA_FOLDER = "/etc/pawline/ca"
# What boto3, requests (MLflow) and Python's own HTTPS read; each then trusts what is in the file and nothing else.
CA_VARIABLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
# What a secret and a ConfigMap with a pair of keys have them under, and where the one step that needs each finds it.
SIGNING_KEY, SIGNING_FOLDER = "signing.pem", "/etc/pawline/signing"
TRUSTED_KEY, TRUSTED_FOLDER = "signing.pub", "/etc/pawline/trusted"
SCRATCH_FOLDER = "/work/tmp"  # TMPDIR in the image.
WITH_TENSORFLOW = ("train",)  # test and promote ask the ONNX network, which is what is served.
LARGE = ("extract", "train")  # Steps that keep all images on disk for a while.
# extract, where a user's mistakes come to light, is not begun again: KFP cannot say for which failures, Argo decides.
RETRIED = ("split", "train", "test", "promote")
FIRST_WAIT = "30s"
# Argo counts it from the first attempt's start, and ends later attempts by it: it must outlast any training.
RETRIED_WITHIN = "30d"
# As KubeRay writes it, into a secret called like the cluster.
RAY_KEYS = {"auth_token": "RAY_AUTH_TOKEN"}
ON_RAY = ("extract", "train", "test")
TRACKED = ("train", "test", "promote")
TELLING_THEIR_IMAGE = ("train", "test")  # In the bundle's provenance and the report; a local run is in no image.


def place(task: dsl.PipelineTask, destination: Destination, s3_secret: str) -> None:
    """Give `task` all that `destination` has for it; `s3_secret` is the parameter with the secret of its store."""
    verb = task.name
    image = destination.train_image if verb in WITH_TENSORFLOW else destination.image
    task.set_container_image(image)
    # A namespace that enforces pod security "restricted" admits no pod without; which user it is, the cluster says.
    kubernetes.set_security_context(task, run_as_non_root=True)
    # For reports, and for steps to find their run in MLflow. As a parameter the run's id would end all caching.
    kubernetes.use_field_path_as_env(task, RUN, "metadata.labels['pipeline/runid']")
    # Optional: where workload identity gives them there are no keys.
    kubernetes.use_secret_as_env(task, s3_secret, S3_KEYS, optional=True)
    kubernetes.set_image_pull_secrets(task, list(destination.pull_secrets))
    _trust(task, destination.ca_bundle)
    _sign_and_trust(task, destination)
    _label(task, {"app.kubernetes.io/name": f"pawline-{verb}", **destination.labels})
    if verb in TELLING_THEIR_IMAGE:
        task.set_env_variable("PAWLINE_IMAGE", image)
    if verb in TRACKED and destination.mlflow:
        task.set_env_variable("MLFLOW_TRACKING_URI", destination.mlflow)
        kubernetes.use_secret_as_env(task, destination.mlflow_secret, MLFLOW_KEYS, optional=True)
    if verb in ON_RAY and destination.ray_secret:
        kubernetes.use_secret_as_env(task, destination.ray_secret, RAY_KEYS, optional=True)
    if verb in LARGE and destination.scratch:
        _give_volume(task, destination.scratch, destination.storage_class)
    if verb in RETRIED and destination.retries:
        task.set_retry(destination.retries, backoff_duration=FIRST_WAIT, backoff_max_duration=RETRIED_WITHIN)
    if destination.timeout_minutes:
        kubernetes.set_timeout(task, 60 * destination.timeout_minutes)
    if destination.old_backend:
        _forget_what_is_newer(task.platform_config["kubernetes"])


def _trust(task: dsl.PipelineTask, ca_bundle: str) -> None:
    config_map, _, key = ca_bundle.partition("/")
    if config_map:
        kubernetes.use_config_map_as_volume(task, config_map, CA_FOLDER)
        for variable in CA_VARIABLES:
            task.set_env_variable(variable, f"{CA_FOLDER}/{key or CA_KEY}")


def _sign_and_trust(task: dsl.PipelineTask, destination: Destination) -> None:
    if task.name == "train" and destination.signing_secret:
        kubernetes.use_secret_as_volume(task, destination.signing_secret, SIGNING_FOLDER)
        task.set_env_variable("PAWLINE_SIGNING_KEY", f"{SIGNING_FOLDER}/{SIGNING_KEY}")
    if task.name == "promote" and destination.trusted_key:
        kubernetes.use_config_map_as_volume(task, destination.trusted_key, TRUSTED_FOLDER)
        task.set_env_variable("PAWLINE_TRUSTED_KEY", f"{TRUSTED_FOLDER}/{TRUSTED_KEY}")


def _label(task: dsl.PipelineTask, labels: Mapping[str, str]) -> None:
    ours = {"app.kubernetes.io/part-of": "pawline", "app.kubernetes.io/component": "runs"}
    for key, value in (ours | dict(labels)).items():
        kubernetes.add_pod_label(task, key, value)


def _give_volume(task: dsl.PipelineTask, size: str, storage_class: str) -> None:
    kubernetes.add_ephemeral_volume(
        task, "scratch", SCRATCH_FOLDER, ["ReadWriteOnce"], size, storage_class_name=storage_class or None
    )
    task.set_env_variable("PAWLINE_SCRATCH", SCRATCH_FOLDER)


def _forget_what_is_newer(settings: dict[str, Any]) -> None:
    del settings["securityContext"]
    for secret in settings["secretAsEnv"]:
        del secret["optional"]
