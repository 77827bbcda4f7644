"""A registry's say about an image: its manifest is asked for, as a node would, by the OCI distribution protocol."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from components.step.errors import ServiceError
from components.step.strict_json import read_json
from pipeline.doctor.answers import Answer, answer_of
from pipeline.doctor.reach import trouble_reaching

DOCKER, DOCKER_API = "docker.io", "registry-1.docker.io"
PLACEHOLDER, INVALID = ".invalid", 0
MANIFESTS = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in (
        "oci.image.index.v1",
        "oci.image.manifest.v1",
        "docker.distribution.manifest.list.v2",
        "docker.distribution.manifest.v2",
    )
)
CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
Logins = Mapping[str, str]  # Base64 of user:password by registry.


@dataclass(frozen=True, slots=True)
class Image:
    """An image's registry, the repository in it, and its tag or digest."""

    registry: str
    repository: str
    reference: str

    @classmethod
    def named(cls, name: str) -> "Image":
        """Return the image that a node takes `name` for."""
        path, at, digest = name.partition("@")
        first, slash, rest = path.partition("/")
        if not slash or not ("." in first or ":" in first or first == "localhost"):
            first, rest = DOCKER, path if slash else f"library/{path}"
        repository, colon, tag = rest.rpartition(":")
        return cls(first, repository if colon else rest, digest if at else tag if colon else "latest")

    @property
    def full(self) -> str:
        """The name that a node lists it under."""
        mark = "@" if self.reference.startswith("sha256:") else ":"
        return f"{self.registry}/{self.repository}{mark}{self.reference}"


def manifest_status(image: Image, logins: Logins) -> int:
    """Return the status with which its registry answers to a question for the manifest; INVALID for a placeholder.

    Raises:
        ServiceError: it does not answer; the message is why.
    """
    if image.registry.partition(":")[0].endswith(PLACEHOLDER):
        return INVALID
    return manifest_answer(image, logins, "HEAD").status


def manifest_answer(image: Image, logins: Logins, method: str = "GET") -> Answer:
    """Return what its registry answers to a question for the manifest, of all platforms where there are several.

    Raises:
        ServiceError: it does not answer; the message is why.
    """
    host = image.registry.partition(":")[0]
    api = DOCKER_API if image.registry == DOCKER else image.registry
    # As container engines do: plain HTTP on this machine alone.
    base = f"{'http' if host in ('localhost', '127.0.0.1') else 'https'}://{api}"
    if trouble := trouble_reaching(base, None, ""):
        raise ServiceError(trouble.sentence)
    url = f"{base}/v2/{image.repository}/manifests/{image.reference}"
    login = logins.get(image.registry, "")
    basic = {"Authorization": f"Basic {login}"} if login else {}
    answer = answer_of(url, {"Accept": MANIFESTS, **basic}, method=method)
    if answer.status == 401 and (token := _token(answer, base, basic)):
        answer = answer_of(url, {"Accept": MANIFESTS, "Authorization": f"Bearer {token}"}, method=method)
    return answer


def _token(answer: Answer, base: str, basic: Mapping[str, str]) -> str:
    """Return the token that the registry's issuer gives, "" for none."""
    challenge = answer.headers.get("www-authenticate", "")
    given = dict(CHALLENGE.findall(challenge))
    realm = given.get("realm", "")
    # A password goes to whom its registry names, and never in the clear but where the registry itself is.
    if not challenge.lower().startswith("bearer") or not _may_have_password(realm, base):
        return ""
    query = urlencode({name: given[name] for name in ("service", "scope") if name in given})
    said = answer_of(f"{realm}?{query}", basic).json()
    return str(said.get("token") or said.get("access_token") or "") if isinstance(said, dict) else ""


def _may_have_password(realm: str, base: str) -> bool:
    return realm.startswith("https://") or urlsplit(realm)[:2] == urlsplit(base)[:2]


def logins_in(config: str) -> dict[str, str]:
    """Return the logins in the `.dockerconfigjson` of a pull secret, by registry.

    Raises:
        ValueError: it is none.
    """
    entries = (read_json(config).get("auths") or {}).items()
    return {_registry(address): _login(entry) for address, entry in entries if isinstance(entry, dict)}


def _registry(address: str) -> str:
    host = address.partition("://")[2] or address
    return DOCKER if "docker.io" in host else host.partition("/")[0]


def _login(entry: Mapping[str, str]) -> str:
    pair = f"{entry.get('username', '')}:{entry.get('password', '')}"
    return entry.get("auth") or base64.b64encode(pair.encode()).decode()
