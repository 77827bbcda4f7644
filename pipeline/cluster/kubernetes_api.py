"""What Kubernetes knows of a run's pods: KFP says neither why one waits nor what ended it."""

import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from components.step.errors import ServiceError, one_line
from components.step.strict_json import read_json
from pipeline.cluster.connection_errors import silent_kubernetes
from pipeline.cluster.shapes import fitting
from pipeline.cluster.whole_answers import whole_answer

RUN_LABEL = "pipeline/runid"
WAITING, ENDED = {"reason": str, "message": str}, {"reason": str, "exitCode": int}
CONTAINER = {"name": str, "state": {"waiting": WAITING, "terminated": ENDED, "running": {}}}
POD = {
    "metadata": {"name": str, "creationTimestamp": str, "annotations": {str: str}},
    "status": {
        "phase": str,
        "reason": str,
        "message": str,
        "containerStatuses": [CONTAINER],
        "initContainerStatuses": [CONTAINER],
        "conditions": [{"type": str, "status": str, "message": str}],
    },
}
EVENT = {"reason": str, "message": str}
WORKFLOW = {"status": {"nodes": {str: {"name": str, "message": str, "phase": str}}}}
TIMEOUT = (10, 60)
WITH_TOKEN: Mapping[str, Any] = {"auth_settings": ["BearerToken"], "_return_http_data_only": True}
IN_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class NotOnCluster(ServiceError):
    """What was asked for is not on the cluster, or the kind of it is none that the cluster knows."""


class KubernetesApi:
    """The cluster of the current kubeconfig context, or that around this pod; plain JSON comes back."""

    def __init__(self, namespace: str = "") -> None:
        """Reach the cluster; `namespace` is that of the runs, the context's own if empty.

        Raises:
            ServiceError: there is no kubeconfig.
        """
        # Imported here: it takes most of a second.
        from kubernetes import client, config
        from kubernetes.config.config_exception import ConfigException
        from urllib3.exceptions import InsecureRequestWarning
        from yaml import YAMLError

        try:
            configured = _configured(config)
        except (ConfigException, YAMLError, OSError, ValueError, TypeError, LookupError, AttributeError) as error:
            raise ServiceError(
                f"Kubernetes is reached with a kubeconfig. Received: {_without_stop(error)}. Set KUBECONFIG, or log in."
            ) from error
        self.namespace = namespace or configured
        self._core, self._custom = client.CoreV1Api(), client.CustomObjectsApi()
        self.configuration = self._core.api_client.configuration
        if not self.configuration.verify_ssl:  # The kubeconfig says so; kubectl warns of it with no word either.
            warnings.filterwarnings("ignore", category=InsecureRequestWarning)

    def pods(self, run_id: str) -> list[dict[str, Any]]:
        """Return the pods of a run, each with its metadata, a name among them, and its status.

        Raises:
            ServiceError: the cluster does not answer, or may not for us.
        """
        found = self._items(self._core.list_namespaced_pod, POD, label_selector=f"{RUN_LABEL}={run_id}")
        return [{"status": {}, **pod} for pod in found if pod.get("metadata", {}).get("name")]

    def events(self, pod: str) -> list[dict[str, Any]]:
        """Return the events of a pod; errors are as in `pods`."""
        return self._items(self._core.list_namespaced_event, EVENT, field_selector=f"involvedObject.name={pod}")

    def workflows(self, run_id: str) -> list[dict[str, Any]]:
        """Return Argo's workflow of a run, in a list, empty where there is no Argo; errors are as in `pods`."""

        def listed(namespace: str, **options: Any) -> Any:
            return self._custom.list_namespaced_custom_object(
                "argoproj.io", "v1alpha1", namespace, "workflows", **options
            )

        try:
            return self._items(listed, WORKFLOW, label_selector=f"{RUN_LABEL}={run_id}")
        except NotOnCluster:
            return []

    def log(self, pod: str, follow: bool = False, since: int | None = None) -> Any:
        """Return the log of what a pod's step says, as an HTTP response to read; errors are as in `pods`."""
        options: dict[str, Any] = {"since_seconds": since} if since is not None else {}
        read = self._core.read_namespaced_pod_log
        return self._asked(read, pod, self.namespace, container="main", follow=follow, timestamps=True, **options)

    def get(self, path: str, api: str = "api/v1", **query: str) -> Any:
        """Return the JSON at `path` of the namespace, in the group and version `api`; errors are as in `pods`."""
        return read_json(self.text(path, api, **query))

    def text(self, path: str, api: str = "api/v1", **query: str) -> bytes:
        """Return what is there, whatever it is; errors are as in `pods`."""
        at, read = f"/{api}/namespaces/{self.namespace}/{path}", self._core.api_client.call_api
        return self._read(read, at, "GET", what=path, query_params=list(query.items()), **WITH_TOKEN)[1]

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Return status and JSON of the answer to `method` at `path`, whatever the status; text where it is no JSON.

        Raises:
            ServiceError: the cluster does not answer.
        """
        from kubernetes.client import ApiException

        kind = {"Accept": "application/json", "Content-Type": "application/json", **(headers or {})}
        options = {"query_params": list((query or {}).items()), "header_params": kind, "body": body}
        try:
            call = self._core.api_client.call_api
            status, data = self._read(call, path, method, what=path, **options, **WITH_TOKEN)
        except ServiceError as error:
            if not isinstance(error.__cause__, ApiException) or not error.__cause__.status:
                raise
            status, data = error.__cause__.status, error.__cause__.body or b""
        try:
            return status, read_json(data)
        except ValueError:
            return status, data.decode(errors="replace") if isinstance(data, bytes) else str(data)

    def _items(self, ask: Callable[..., Any], shape: Mapping[str, Any], **options: Any) -> list[dict[str, Any]]:
        _, data = self._read(ask, self.namespace, **options)
        try:
            found: dict[str, Any] = fitting(read_json(data), {"items": [shape]})
        except ValueError as error:
            raise ServiceError(
                "A Kubernetes API answers in JSON. Received: something else, perhaps a login page. Check KUBECONFIG."
            ) from error
        return list(found.get("items") or [])

    def _read(self, ask: Callable[..., Any], *words: Any, **options: Any) -> tuple[int, bytes]:
        """Return status and body of what `ask` answers; errors are as in `pods`."""

        def answer(*words: Any, **options: Any) -> tuple[int, bytes]:
            response = ask(*words, **options)
            return response.status, whole_answer(response)

        status, data = self._asked(answer, *words, **options)
        return status, data

    def _asked(self, ask: Callable[..., Any], *words: Any, what: object = "the run's pods", **options: Any) -> Any:
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        try:
            return ask(*words, _preload_content=False, _request_timeout=TIMEOUT, **options)
        except ApiException as error:
            kind = NotOnCluster if error.status == 404 else ServiceError
            raise kind(
                f"The Kubernetes API must show {one_line(what, 120)}. Received: {error.status} "
                f"{one_line(error.reason, 120)} in namespace {one_line(self.namespace, 63)}. "
                "Name another namespace with --namespace."
            ) from error
        except HTTPError as error:
            raise silent_kubernetes(error) from error


def _without_stop(error: object) -> str:
    return one_line(error, 200).rstrip(".")


def _configured(config: Any) -> str:
    """Load what says where the cluster is, and return its namespace."""
    file = os.environ.get("KUBECONFIG", "~/.kube/config")  # The library's own was read when it was imported.
    try:
        config.load_kube_config(config_file=file)
    except config.ConfigException:
        if not IN_CLUSTER.exists():
            raise
        config.load_incluster_config()
        return IN_CLUSTER.read_text(encoding="utf-8").strip()
    context = config.list_kube_config_contexts(config_file=file)[1]["context"]
    return str(context.get("namespace") or "default")
