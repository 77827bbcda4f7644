"""Which server a command means: by its options, else by the environment. Secrets come from the environment alone."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from components.step.errors import UsageError, one_line

HOST, TOKEN, CA_BUNDLE, NAMESPACE, UI = (
    "PAWLINE_KFP_HOST",
    "PAWLINE_KFP_TOKEN",
    "PAWLINE_KFP_CA_BUNDLE",
    "PAWLINE_KFP_NAMESPACE",
    "PAWLINE_KFP_UI",
)
# Where a pod finds its token for the KFP API, and what names another place: as for kfp.Client.
TOKEN_FILE, TOKEN_FILE_PLACE = Path("/var/run/secrets/kubeflow/pipelines/token"), "KF_PIPELINES_SA_TOKEN_PATH"


@dataclass(frozen=True, slots=True)
class NamedServer:
    """A KFP server: the address of its API and of its pages, and with what to reach it."""

    address: str
    ui: str
    namespace: str = ""
    token: str = field(default="", repr=False)
    ca_bundle: Path | None = None
    token_file: Path | None = None  # Where the cluster renews the token.

    def page_of(self, run_id: str) -> str:
        """Return the link to the page of a run."""
        return f"{self.ui}/#/runs/details/{run_id}"


def named_server(host: str | None, namespace: str | None, environment: Mapping[str, str] = os.environ) -> NamedServer:
    """Return the server called `host`, or that of the `environment` where it is None; likewise its namespace.

    Raises:
        UsageError: none is named, its address is not legal, or its CA bundle or token's file is not there.
    """
    address = (host or environment.get(HOST, "")).strip().rstrip("/")
    if not address:
        raise UsageError(
            f"A cluster's KFP API must be named. Received: no --host and no {HOST}. Set it to the API's address, "
            "for instance of the route, or http://localhost:8888 with `kubectl port-forward service/ml-pipeline 8888`."
        )
    address = checked_address(address, "--host" if host else HOST)
    ui = environment.get(UI, "").strip().rstrip("/")
    bundle = environment.get(CA_BUNDLE, "").strip()
    if bundle and not Path(bundle).is_file():
        raise UsageError(f"{CA_BUNDLE} must be a file. Received: {one_line(bundle, 120)}. Correct it.")
    token = environment.get(TOKEN, "").strip()
    file = None if token else _token_file(environment.get(TOKEN_FILE_PLACE, "").strip())
    return NamedServer(
        address,
        checked_address(ui, UI) if ui else address,
        namespace or environment.get(NAMESPACE, "").strip(),
        read_token(file) if file else token,
        Path(bundle) if bundle else None,
        file,
    )


def read_token(file: Path) -> str:
    """Return the token in `file`.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise UsageError(
            "A service account's token for the KFP API must be readable. Received: "
            f"{one_line(file, 120)}: {one_line(error, 120)}. Correct {TOKEN_FILE_PLACE}, or set {TOKEN}."
        ) from error


def _token_file(place: str) -> Path | None:
    if place:
        return Path(place)
    return TOKEN_FILE if TOKEN_FILE.exists() else None


def checked_address(address: str, where: str, of: str = "a KFP API", token: str = TOKEN) -> str:
    """Return the `address` given by `where`, with https before it where it names no scheme.

    Raises:
        UsageError: it is not that `of` what it must be; the variable `token` is where a secret goes instead.
    """
    full = address if "://" in address else f"https://{address}"
    try:
        parts = urlsplit(full)
        legal = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        parts, legal = urlsplit(""), False
    if not legal or "@" in parts.netloc or parts.query or parts.fragment or not full.isprintable() or " " in full:
        shown = f"{parts.scheme}://{parts.hostname or ''}"
        raise UsageError(
            f"{where} must be the http(s) address of {of}, without user, password or query. "
            f"Received: {one_line(shown, 160)}. Correct it; a token is given by {token}."
        )
    return full
