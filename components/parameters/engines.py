"""Who runs the work on images (`engine`), and where a Ray cluster is (`ray_address`)."""

import re

from components.parameters.choices import check_choice
from components.step.errors import UsageError, one_line

LOCAL, RAY = "local", "ray"
ENGINES = (LOCAL, RAY)
# Names, IPv4, or IPv6 in brackets; user and password have no place here.
_ADDRESS = re.compile(r"(?:ray://)?(?P<host>[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")


def check_engine(engine: str, ray_address: str) -> None:
    """Check that `engine` is one of ENGINES, and has the address that it needs; nothing is asked of that.

    Raises:
        UsageError: it is not, the address is of another form, or given where none is used.
    """
    check_choice("engine", engine, ENGINES)
    if engine == RAY:
        host_and_port(ray_address)
    elif ray_address:
        raise _refusal(
            "empty where engine=local, which runs on no cluster", ray_address, "Set engine=ray, or leave it out"
        )


def host_and_port(ray_address: str) -> tuple[str, int]:
    """Return the host, an IPv6 one without brackets, and the port of `ray_address`.

    Raises:
        UsageError: it is not ray://host:port or host:port.
    """
    found = _ADDRESS.fullmatch(ray_address)
    if not found or not 0 < int(found["port"]) < 1 << 16:
        rule = "ray://host:10001, a cluster's Ray Client, or on a node of the cluster host:6379"
        raise _refusal(rule, ray_address, "Give the address of a Ray cluster")
    return found["host"].strip("[]"), int(found["port"])


def _refusal(rule: str, ray_address: str, advice: str) -> UsageError:
    # Whoever takes it for the address of another service may have put a password there.
    shown = re.sub("(//|^).*@", r"\1…@", ray_address, flags=re.DOTALL)
    shown = re.sub(r"\?.*", "?…", shown, flags=re.DOTALL)
    received = f"ray_address={one_line(repr(shown), 120)}"
    return UsageError(f"ray_address must be {rule}. Received: {received}. {advice}.")
