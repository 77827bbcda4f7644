"""The KFP API, v2beta1, of any server from the time of 2.5.0 to 2.17: plain JSON there and back, errors in one line.

Stands on kfp_server_api, the client that comes with kfp and lies below kfp.Client. That one itself asks a server that
does not answer for 25 seconds, prints, and keeps a file in the home folder; and the models of either refuse what
servers of another time answer. JSON is read by whoever needs a field, and a field that is not there is none.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from components.step.errors import DataError, ServiceError, one_line
from components.step.strict_json import read_json
from pipeline.cluster.connection_errors import reason_of
from pipeline.cluster.named import NamedServer, read_token
from pipeline.cluster.shapes import fitting
from pipeline.cluster.whole_answers import whole_answer

V2 = "/apis/v2beta1"
PAGE = "100"
CONNECT_SECONDS, READ_SECONDS = 10, 60


class NotThere(DataError):
    """What was asked for is not on the server."""


class Unreachable(ServiceError):
    """The server could not be reached, or the connection broke."""


class KfpApi:
    """One server: `met` says which, as far as it tells, `of_namespace` is what its lists are asked with."""

    def __init__(self, server: NamedServer) -> None:
        """Reach `server` and find out which it is.

        Raises:
            ServiceError: it does not answer, or not as a KFP server of version 2.
        """
        self.server = server
        self._client = _client(server)
        try:
            health = self.get("/healthz")
        except NotThere as error:
            raise ServiceError(
                f"There must be a KFP API v2beta1, that of KFP 2. Received: none at {server.address}; "
                "a KFP 1 or something else answers. Name another server with --host."
            ) from error
        if not isinstance(health, dict):
            raise self._no_kfp("another answer to healthz")
        self.health: Mapping[str, Any] = health
        self.version = _version(health)
        self.met = f"KFP API {self.version} at {server.address}"
        # A server for one alone refuses to be asked by namespace.
        self.of_namespace = {"namespace": server.namespace} if server.namespace and health.get("multi_user") else {}

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Return what the server answers to GET; `path` begins behind the API's version. Errors are as in `call`."""
        return self.call("GET", path, query)

    def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        files: Mapping[str, Path] | None = None,
    ) -> Any:
        """Return the JSON that the server answers to the JSON `body`, or to `files`, as a form has them.

        Raises:
            NotThere: the server knows no such thing.
            DataError: the server refuses the request.
            ServiceError: it does not answer, or may not for us.
        """
        kind = "multipart/form-data" if files else "application/json"
        data = self._exchange(method, V2 + path, query, body, files, kind)
        try:
            answer = read_json(data) if data else {}
        except ValueError as error:
            raise self._no_kfp("something else") from error
        if not isinstance(answer, dict):
            raise self._no_kfp("other JSON than an object")
        return answer

    def text(self, path: str) -> str:
        """Return the text at `path`, which begins with the API's version. Errors are as in `call`."""
        return self._exchange("GET", path, None, None, None, "application/json").decode(errors="replace")

    def pages(self, path: str, key: str, query: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
        """Yield every item of the list at `path`, page by page; it stands below `key`. Errors are as in `call`."""
        token = ""
        while True:
            asked = {"page_size": PAGE, **(query or {}), **({"page_token": token} if token else {})}
            page = fitting(self.get(path, asked), {key: [dict], "next_page_token": str})
            yield from page.get(key) or []
            token = page.get("next_page_token") or ""
            if not token:
                return

    def find(self, path: str, key: str, name: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the item called `name` of the list at `path`, as in `pages`; empty where there is none."""
        predicate = {"operation": "EQUALS", "key": "display_name", "stringValue": name}
        named = {"filter": json.dumps({"predicates": [predicate]}), **(query or {})}
        # What the server does not leave out is looked through all the same.
        return next((item for item in self.pages(path, key, named) if item.get("display_name") == name), {})

    def _exchange(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        files: Mapping[str, Path] | None,
        kind: str,
    ) -> bytes:
        from kfp_server_api import ApiException
        from urllib3.exceptions import HTTPError

        try:
            response = self._client.call_api(
                path + (f"?{urlencode(query)}" if query else ""),
                method,
                header_params={"Accept": "application/json", "Content-Type": kind},
                body=body,
                files={name: str(file) for name, file in (files or {}).items()},
                auth_settings=["Bearer"],
                _preload_content=False,
                _request_timeout=(CONNECT_SECONDS, READ_SECONDS),
            )
            return whole_answer(response)
        except ApiException as error:
            raise self._refusal(error) from error
        except HTTPError as error:
            raise self._unreachable(error) from error

    def _refusal(self, error: Any) -> Exception:
        said = one_line(_message(error), 400)
        if error.status in (401, 403):
            return ServiceError(
                f"The KFP API must know and admit you. Received: {error.status} from {self.server.address}: {said}. "
                "Set PAWLINE_KFP_TOKEN to a token of the cluster that is still valid (`oc whoami -t`)."
            )
        if error.status == 404:
            return NotThere(f"What is asked for must be on the cluster. Received: {said}. Check its name.")
        if 300 <= error.status < 400:
            return self._no_kfp(f"a redirection ({error.status})")
        if 400 <= error.status < 500:
            return DataError(f"The KFP API must accept the request. Received: {said}. Correct it.")
        return self._unreachable(f"{error.status} {said}" if error.status else said)

    def _no_kfp(self, received: str) -> ServiceError:
        return ServiceError(
            f"A KFP API answers in JSON. Received: {received} from {self.server.address}, perhaps to a login page. "
            "Check --host, and the token in PAWLINE_KFP_TOKEN."
        )

    def _unreachable(self, reason: object) -> ServiceError:
        return Unreachable(
            f"The KFP API must answer. Received: {self.server.address}: {reason_of(reason)}. Check --host (or "
            "PAWLINE_KFP_HOST); a private CA is named by PAWLINE_KFP_CA_BUNDLE."
        )


def _client(server: NamedServer) -> Any:
    # Imported here, as everything of kfp: it takes a third of a second.
    from kfp_server_api import ApiClient, Configuration
    from urllib3 import Retry

    settings = Configuration()
    # Redirections lead to login pages; and who waited a minute for an answer need not wait for three more.
    settings.retries = Retry(2, read=0, redirect=False)
    settings.host = server.address
    settings.ssl_ca_cert = str(server.ca_bundle) if server.ca_bundle else None
    if server.token:
        settings.api_key_prefix["authorization"] = "Bearer"
        settings.api_key["authorization"] = server.token
    if file := server.token_file:
        settings.refresh_api_key_hook = lambda now: now.api_key.update(authorization=read_token(file))
    return ApiClient(settings)


def _version(health: Mapping[str, Any]) -> str:
    """Return the version that `health` names, else what is known from what it says and older servers don't."""
    tag = one_line(health.get("tag_name") or "", 40)
    if tag and tag != "unknown":
        return tag
    return "of the time of 2.17" if "pipeline_store" in health else "of the time of 2.5"


def _message(error: Any) -> str:
    """Return the innermost message of a refusal: the outer ones repeat it behind what the server was doing."""
    body = error.body.decode(errors="replace") if isinstance(error.body, bytes) else error.body or ""
    try:
        found = read_json(body)
        details = [detail["message"] for detail in found.get("details") or [] if detail.get("message")]
        return str(details[0] if details else found.get("message") or found.get("error") or error.reason)
    except (ValueError, LookupError, TypeError, AttributeError):
        return str(error.reason or body or "no reason")
