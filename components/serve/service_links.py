"""The variables that Kubernetes puts into every pod for each Service of its namespace, told apart from settings.

A Service called `pawline-serve` makes `PAWLINE_SERVE_PORT=tcp://10.96.14.7:8080` and six more that look like ours.
Source: Kubernetes, pkg/kubelet/envvars/envvars.go: names in upper case with `_` for `-`, each value of a fixed shape.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address

_NUMBER = "[0-9]{1,5}"
_PROTOCOL = "(?:tcp|udp|sctp)"
_PORT = rf"PORT_{_NUMBER}_(?:TCP|UDP|SCTP)"
_HOST_AND_PORT = rf"{_PROTOCOL}://(?P<host>[0-9.]+|\[[0-9a-f:.]+\]):{_NUMBER}"
# After the Service's name: how a variable's name goes on, and what its value is.
_SHAPES = tuple(
    (re.compile(rf"(?:[A-Z0-9_]*_)?{name}"), re.compile(value))
    for name, value in (
        ("SERVICE_HOST", "(?P<host>[0-9a-f:.]+)"),
        ("SERVICE_PORT(?:_[A-Z0-9_]+)?", _NUMBER),
        ("PORT", _HOST_AND_PORT),
        (_PORT, _HOST_AND_PORT),
        (f"{_PORT}_PROTO", _PROTOCOL),
        (f"{_PORT}_PORT", _NUMBER),
        (f"{_PORT}_ADDR", "(?P<host>[0-9a-f:.]+)"),
    )
)


def without_service_links(environment: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return `environment` without what a Service whose name begins with `prefix`, `pawline-serve` say, puts there.

    Only exactly those names with exactly such values are left out: what else begins so is a setting, or a misspelt one.
    """
    return {name: value for name, value in environment.items() if not _is_link(name, value, f"{prefix}_")}


def _is_link(name: str, value: str, prefix: str) -> bool:
    if not name.startswith(prefix):
        return False
    rest = name.removeprefix(prefix)
    matches = (given.fullmatch(value) for shape, given in _SHAPES if shape.fullmatch(rest))
    return any(match and _is_address(match.groupdict().get("host")) for match in matches)


def _is_address(host: str | None) -> bool:
    try:
        return host is None or bool(ip_address(host.strip("[]")))
    except ValueError:
        return False
