"""MLflow: whether it answers, whom it admits, and which champion a new model must beat there."""

import base64
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from components.registry.versions import CHAMPION
from components.step.addresses import sqlite_path
from components.step.errors import ServiceError, one_line
from components.tracking.events import public_uri
from pipeline.doctor.answers import Answer, answer_of
from pipeline.doctor.finding import Finding, note, unchecked, well, wrong
from pipeline.doctor.given import Given, given_to
from pipeline.doctor.inside import inside_or_wrong
from pipeline.doctor.reach import trouble_reaching
from pipeline.doctor.setup import Setup, message_of

SUBJECT, REGISTRY = "MLflow", "registry"
API = "/api/2.0/mlflow"
URI, USER, PASSWORD, TOKEN = (
    "MLFLOW_TRACKING_URI",
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
)


class BrokenOff(ServiceError):
    """MLflow took the connection and gave no answer."""


def check(setup: Setup) -> Iterable[Finding]:
    """Yield what the MLflow of the run says, of a server; a database is only named."""
    tracked = next((step for step in setup.steps if URI in step.environment), setup.steps[-1])
    given = given_to(setup, tracked, "MLFLOW_", "REQUESTS_CA_BUNDLE")
    uri = tracked.environment.get(URI) if setup.for_cluster else given.variables.get(URI, "runs/mlflow.db")
    if not uri:
        advice = "Compile with --mlflow URL" if setup.for_cluster else f"Unset {URI}, or name a server"
        yield note(SUBJECT, "runs are tracked nowhere, and no model becomes champion", advice)
    elif not uri.startswith(("http://", "https://")):
        file = sqlite_path(uri) or (None if "://" in uri else uri)
        if file is None:
            yield unchecked(SUBJECT, f"{one_line(public_uri(uri), 160)} is a database, and no server to ask")
        else:
            yield well(SUBJECT, f"runs are tracked in the file {one_line(file, 200)}")
    else:
        try:
            yield from _of_server(setup, uri.rstrip("/"), given)
        except BrokenOff as error:
            yield wrong(SUBJECT, str(error), "Look at its log, and whether it speaks http or https")


def _of_server(setup: Setup, uri: str, given: Given) -> Iterator[Finding]:
    shown = public_uri(uri)
    advice = "Compile with --ca-bundle" if given.in_cluster else "Name the CA's certificate by REQUESTS_CA_BUNDLE"
    if trouble := trouble_reaching(uri, given.ca_bundle, advice):
        yield from inside_or_wrong(setup, SUBJECT, shown, trouble)
        return
    answer = _asked(uri, "/experiments/search?max_results=1", given)
    if answer.status == 401 and setup.for_cluster and not given.in_cluster and not _authorization(given):
        yield unchecked(SUBJECT, f"{shown} wants a user, and the secret with that of the runs cannot be read")
        return
    if refusal := _refusal(shown, answer, given):
        yield wrong(SUBJECT, *refusal)
        return
    yield well(SUBJECT, f"{shown} answers and admits the runs, with {_whose(given)}")
    yield from _open_to_all(uri, given)
    yield _champion(uri, given, str(setup.parameters.get("model_name", "")))


def _asked(uri: str, path: str, given: Given, anonymous: bool = False) -> Answer:
    headers = {"Accept": "application/json", **({} if anonymous else _authorization(given))}
    try:
        return answer_of(f"{uri}{API}{path}", headers, given.ca_bundle)
    except ServiceError as error:
        raise BrokenOff(f"{public_uri(uri)} breaks off: {error}") from error


def _refusal(shown: str, answer: Answer, given: Given) -> tuple[str, str] | None:
    """Return what is wrong with `answer` and what to do, None for nothing."""
    if answer.wants_tls:
        return f"{shown} wants TLS", "Write https:// in the address"
    if answer.status == 401:
        if not _authorization(given):
            return f"{shown} wants a user, and {given.source} gives none (401)", f"Put {USER} and {PASSWORD} there"
        return f"{shown} does not know the user and password of {given.source} (401)", f"Correct {USER} and {PASSWORD}"
    if answer.status == 403:
        return f"{shown} does not let this user in (403)", "Give it the right to read and make experiments"
    if answer.is_page or answer.status in (301, 302, 303, 307, 308):
        return (
            f"{shown} answers {answer.status} with a page instead of JSON: a proxy, a login, or no MLflow",
            "Name the address of MLflow itself, one that needs no login in a browser",
        )
    if answer.status == 404:
        return f"{shown} has no MLflow API (404)", "Correct the address and its path"
    if answer.status != 200 or not isinstance(answer.json(), dict):
        said = one_line(message_of(answer.json()) if answer.json() else answer.data[:80].decode(errors="replace"), 120)
        return f"{shown} answers {answer.status} {said}", "Look at its log"
    return None


def _open_to_all(uri: str, given: Given) -> Iterator[Finding]:
    if _authorization(given) and _asked(uri, "/experiments/search?max_results=1", given, anonymous=True).status == 200:
        sentence = f"{public_uri(uri)} asks nobody for a password: MLflow without auth"
        yield note("MLflow users", sentence, "Start it with --app-name basic-auth if others can reach it")


def _champion(uri: str, given: Given, model: str) -> Finding:
    answer = _asked(uri, f"/registered-models/get?name={quote(model, safe='')}", given)
    found = answer.json() if isinstance(answer.json(), dict) else {}
    if answer.status == 404 or found.get("error_code") == "RESOURCE_DOES_NOT_EXIST":
        return well(REGISTRY, f"there is no model {one_line(model, 80)} yet: the first good one becomes the champion")
    if answer.status != 200:
        return unchecked(REGISTRY, f"MLflow answers {answer.status} {one_line(message_of(found), 120)}")
    aliases = (found.get("registered_model") or {}).get("aliases") or []
    number = next((alias.get("version") for alias in aliases if alias.get("alias") == CHAMPION), None)
    if number is None:
        return well(REGISTRY, f"{one_line(model, 80)} has no champion yet: the first good one becomes it")
    return well(REGISTRY, f"version {one_line(number, 20)} of {one_line(model, 80)} is the champion")


def _authorization(given: Given) -> dict[str, str]:
    values = given.variables
    if values.get(USER):
        pair = f"{values[USER]}:{values.get(PASSWORD, '')}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return {"Authorization": f"Bearer {values[TOKEN]}"} if values.get(TOKEN) else {}


def _whose(given: Given) -> str:
    return f"the user of {given.source}" if _authorization(given) else "no user"
