"""A secret in Kubernetes, as far as one who sets up a store reads and writes it; its values are in no message."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from components.step.errors import ServiceError, one_line
from components.step.secrets import CUT
from components.step.strict_json import read_json
from pipeline.cluster.connection_errors import silent_kubernetes
from pipeline.cluster.kubernetes_api import TIMEOUT, KubernetesApi
from pipeline.cluster.whole_answers import whole_answer


class KubernetesSecret(KubernetesApi):
    """The secret called `name` in a namespace, there or not."""

    def __init__(self, name: str, namespace: str = "") -> None:
        """Reach the cluster; errors are as in `KubernetesApi`."""
        super().__init__(namespace)
        self.name = name

    def read(self) -> dict[str, str] | None:
        """Return its values by key, None where there is no such secret.

        Raises:
            ServiceError: the cluster does not answer, or may not for us.
        """
        answer = self._done("read", self._core.read_namespaced_secret, self.name, self.namespace)
        if answer is None:
            return None
        try:
            data = read_json(answer).get("data") or {}
            return {key: base64.b64decode(value).decode(errors="replace") for key, value in data.items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise ServiceError(
                "The Kubernetes API answers with a secret in JSON. Received: something else, perhaps a login page. "
                "Check KUBECONFIG."
            ) from error

    def write(self, values: Mapping[str, str], there: bool, form: Mapping[str, Any], try_only: bool = False) -> None:
        """Set `values` in the secret, whose other keys stay; where it is not `there`, make it with the metadata `form`.

        With `try_only` the cluster says whether it would, and does nothing. Errors are as in `read`.
        """
        tried = {"dry_run": "All"} if try_only else {}
        body: dict[str, Any] = {"stringData": dict(values)}
        if there:
            self._done("change", self._core.patch_namespaced_secret, self.name, self.namespace, body, values, **tried)
            return
        body |= {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": self.name, **form}}
        self._done("make", self._core.create_namespaced_secret, self.namespace, body, values, **tried)

    def _done(self, what: str, ask: Callable[..., Any], *words: Any, **options: Any) -> bytes | None:
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        *words_of_request, values = words if isinstance(words[-1], Mapping) else (*words, {})
        try:
            return whole_answer(ask(*words_of_request, _preload_content=False, _request_timeout=TIMEOUT, **options))
        except ApiException as error:
            if error.status == 404 and what == "read":
                return None
            raise ServiceError(self._refusal(what, error, values)) from error
        except HTTPError as error:
            raise silent_kubernetes(error) from error

    def _refusal(self, what: str, error: Any, values: Mapping[str, str]) -> str:
        said = _message(error)
        for value in filter(None, values.values()):
            said = said.replace(value, CUT)
        return (
            f"You must be allowed to {what} the secret {self.name}. Received: {error.status} {one_line(said, 300)} in "
            f"namespace {one_line(self.namespace, 63)}. Ask for that right, name another with --secret and "
            "--namespace, or write the key to a file with --env-file."
        )


def _message(error: Any) -> str:
    body = error.body.decode(errors="replace") if isinstance(error.body, bytes) else error.body or ""
    try:
        return str(read_json(body)["message"])
    except (ValueError, LookupError, TypeError):
        return str(error.reason)
