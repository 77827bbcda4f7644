"""Whether a server can be reached at all: its name, its port, its certificate, each with a cause of its own."""

import re
import socket
import ssl
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from components.step.errors import one_line

SECONDS = 5.0
# OpenSSL's X509_V_ERR_...
NOT_YET_VALID, EXPIRED = 9, 10
OTHER_HOST = (62, 64)  # By name, by IP address.
UNKNOWN_ISSUER = (2, 18, 19, 20, 21)
INSIDE = re.compile(r"(?P<service>[a-z0-9-]+)(\.(?P<namespace>[a-z0-9-]+)\.svc(\.cluster\.local)?)?\.?")


class Trouble(NamedTuple):
    """Why a server cannot be reached, and what to do; `nameless` where this machine does not know its name."""

    sentence: str
    advice: str
    nameless: bool = False


def trouble_reaching(url: str, ca_bundle: Path | None, ca_advice: str, by_proxy: bool = True) -> Trouble | None:
    """Return what keeps from the server at `url`, None for nothing.

    `ca_bundle` has the certificates that are trusted, None for the usual ones; `ca_advice` says how others are named.
    A client that goes `by_proxy`, where the environment names one, leaves the rest of the way to that.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https"):
        return Trouble("its address is no http(s) URL", "Write it with http:// or https:// before it, and a host")
    if by_proxy and parts.scheme in getproxies() and not proxy_bypass(host):
        return _trouble_with_proxy(getproxies()[parts.scheme], host)
    return _trouble_connecting(host, port, parts.scheme == "https", ca_bundle, ca_advice)


def _trouble_with_proxy(proxy: str, host: str) -> Trouble | None:
    trouble = trouble_reaching(proxy if "://" in proxy else f"http://{proxy}", None, "", by_proxy=False)
    if trouble is None:
        return None
    advice = f"Correct HTTPS_PROXY and HTTP_PROXY, or put {one_line(host, 120)} into NO_PROXY"
    return Trouble(f"the proxy cannot be reached: {trouble.sentence}", advice)


def service_inside(host: str, namespace: str) -> tuple[str, str] | None:
    """Return name and namespace of the Service that `host` is inside a cluster, None for a name of the world."""
    found = INSIDE.fullmatch(host.lower())
    if not found or host == "localhost" or host.isdigit():
        return None
    return found["service"], found["namespace"] or namespace


def _trouble_connecting(host: str, port: int, tls: bool, ca_bundle: Path | None, ca_advice: str) -> Trouble | None:
    where = f"{host}:{port}"
    try:
        with socket.create_connection((host, port), SECONDS) as connection:
            if tls:
                with _trusting(ca_bundle).wrap_socket(connection, server_hostname=host):
                    pass
    except socket.gaierror:
        return Trouble(f"the name {one_line(host, 120)} is not known (DNS)", "Correct the host in the address", True)
    except UnicodeError:
        return Trouble(f"{one_line(host, 120)} is no host name", "Correct the host in the address")
    except ConnectionRefusedError:
        return Trouble(
            f"nothing listens at {where}", "Correct the port, or start what should (a port-forward may have ended)"
        )
    except TimeoutError:
        return Trouble(
            f"{where} does not answer within {SECONDS:.0f} s", "Open the way there (firewall, VPN, NetworkPolicy)"
        )
    except ssl.SSLCertVerificationError as error:
        return _distrusted(where, error, ca_advice)
    except ssl.SSLError as error:
        said = one_line(error.reason or error, 80)
        return Trouble(
            f"{where} does not speak TLS ({said})", "Write http:// in the address, or name the port that does"
        )
    except OSError as error:
        return Trouble(f"{where} cannot be reached: {one_line(error.strerror or error, 120)}", "Correct the address")
    return None


def _distrusted(where: str, error: ssl.SSLCertVerificationError, ca_advice: str) -> Trouble:
    if error.verify_code == EXPIRED:
        return Trouble(f"the certificate of {where} has expired", "Renew it, or set this machine's clock")
    if error.verify_code == NOT_YET_VALID:
        return Trouble(f"the certificate of {where} is not valid yet", "Set this machine's clock")
    if error.verify_code in OTHER_HOST:
        return Trouble(f"the certificate of {where} is for another host", "Use the name that the certificate has")
    if error.verify_code in UNKNOWN_ISSUER:
        return Trouble(f"the certificate of {where} is of a CA that is not trusted here (private CA)", ca_advice)
    return Trouble(f"the certificate of {where} is refused: {one_line(error.verify_message, 120)}", ca_advice)


def _trusting(ca_bundle: Path | None) -> ssl.SSLContext:
    if ca_bundle:
        return ssl.create_default_context(cafile=str(ca_bundle))
    import certifi

    # What boto3 and requests trust where nobody names others.
    return ssl.create_default_context(cafile=certifi.where())
