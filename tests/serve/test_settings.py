"""Settings: typed, bounded, and no misspelt one passes for a default."""

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from components.serve.auth.authorization import authorization_from
from components.serve.settings import PREFIX, Settings, settings_from
from components.step.errors import UsageError
from tests.support.patience import PATIENCE
from tests.support.serving import ROOT, colour_bundle


def test_an_empty_environment_gives_the_defaults():
    assert settings_from({"PATH": "/bin", "PAWLINE_SERVE_OAUTH2_ISSUER": "not ours"}) == Settings()


@pytest.mark.parametrize(
    ("name", "meant"),
    [("PROT", "PORT"), ("MAX_BODY", "MAX_BODY_BYTES"), ("max_batch", "MAX_BATCH"), ("OUATH2_ISSUER", "OAUTH2_ISSUER")],
)
def test_a_mistyped_setting_gets_the_right_one(name, meant):
    with pytest.raises(UsageError, match=rf"Received: {PREFIX}{name}\. Did you mean {meant}\?"):
        settings_from({f"{PREFIX}{name}": "1"})


def test_every_setting_is_read():
    values = {
        "MODEL": "s3://models/pets", "HOST": "::1", "PORT": "0", "MODEL_NAME": "pets", "MODEL_VERSION": "2",
        "WATCH": "1.5", "WORKERS": "3", "QUEUE": "10", "MAX_BODY_BYTES": "1000", "MAX_BUFFERED_BYTES": "2000",
        "MAX_PIXELS": "100", "MAX_BATCH": "4", "TIMEOUT": "2.5", "DRAIN": "0", "PAGE": "false", "ACCESS_LOG": "false",
        "CORS_ORIGINS": "https://a.example http://localhost:3000",
    }  # fmt: skip
    read = settings_from({f"{PREFIX}{name}": value for name, value in values.items()})
    assert read == Settings(
        "s3://models/pets", "::1", 0, "pets", "2", 1.5, 3, 10, 1000, 2000, 100, 4, 2.5, 0.0, False, False,
        "https://a.example http://localhost:3000",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "80.5"),
        ("PORT", "८०"),
        ("PORT", ""),
        ("WATCH", "nan"),
        ("WATCH", "inf"),
        ("TIMEOUT", "0"),
        ("TIMEOUT", "1e3"),
        ("QUEUE", "0"),
        ("MAX_PIXELS", "50000001"),
        ("PAGE", "yes"),
        ("PAGE", "True"),
        ("MODEL_NAME", "../pets"),
        ("MODEL_NAME", ""),
        ("HOST", " localhost"),
        ("HOST", "localhost\n"),
        ("PORT", "8080\n"),
        ("CORS_ORIGINS", ""),
        ("CORS_ORIGINS", "example.org"),
        ("CORS_ORIGINS", "https://example.org/"),
        ("CORS_ORIGINS", "https://a.example,https://b.example"),
        ("CORS_ORIGINS", "null"),
        ("CORS_ORIGINS", "https://a.example\r\nX: y"),
        ("MODEL", "a\nb"),
        ("MAX_BODY_BYTES", "100000000"),  # More than all bodies together may have.
    ],
)
def test_a_wrong_value_is_refused_in_one_line_that_names_it(name: str, value: str):
    with pytest.raises(UsageError, match=f"{PREFIX}{name} must be|MAX_BUFFERED_BYTES must be") as caught:
        settings_from({f"{PREFIX}{name}": value})
    assert str(caught.value).isprintable()


def links_of(service: str, address: str, ports: Mapping[str, tuple[int, str]]) -> dict[str, str]:
    """Return what Kubernetes puts into each pod for `service`; a port has a name, which may be empty, and a protocol.

    Source: kubernetes, pkg/kubelet/envvars/envvars.go.
    """
    prefix = service.upper().replace("-", "_")
    host = f"[{address}]" if ":" in address else address
    made = {f"{prefix}_SERVICE_HOST": address, f"{prefix}_SERVICE_PORT": str(next(iter(ports.values()))[0])}
    for index, (name, (port, protocol)) in enumerate(ports.items()):
        url, of_port = f"{protocol.lower()}://{host}:{port}", f"{prefix}_PORT_{port}_{protocol}"
        made |= {f"{prefix}_SERVICE_PORT_{name.upper().replace('-', '_')}": str(port)} if name else {}
        made |= {f"{prefix}_PORT": url} if index == 0 else {}
        made |= {of_port: url, f"{of_port}_PROTO": protocol.lower(), f"{of_port}_PORT": str(port)}
        made[f"{of_port}_ADDR"] = address
    return made


SERVICES = ("pawline-serve", "pawline-serve-canary", "pawline-serve-oauth2", "pawline-serve-2", "pawline-serve-max")
PORTS = ({"": (8080, "TCP")}, {"http": (80, "TCP"), "grpc-web": (9000, "TCP"), "dns": (53, "UDP"), "s": (1, "SCTP")})


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("address", ["10.96.14.7", "fd00:10:96::e07", "::1"])
@pytest.mark.parametrize("ports", PORTS)
def test_what_kubernetes_says_of_services_is_no_setting(service, address, ports):
    links = links_of(service, address, ports)
    assert settings_from(links) == Settings()
    assert authorization_from(links) is None
    assert settings_from({**links, f"{PREFIX}QUEUE": "3", f"{PREFIX}HOST": "::"}) == Settings(queue=3, host="::")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "tcp://10.96.14.7"),
        ("PORT", "tcp://10.96.14.7:8080 "),
        ("PORT", "http://10.96.14.7:8080"),
        ("PORT", "tcp://model.example:8080"),
        ("PORT", "tcp://10.96.14.700:8080"),
        ("PORT", "tcp://[fd00::x]:8080"),
        ("PROT", "tcp://10.96.14.7:8080"),
        ("CANARY_PORT", "8080"),
        ("PORT_8080_TCP", "8080"),
        ("PORT_8080_TCP_PROTO", "TCP"),
        ("PORT_8080_HTTP", "tcp://10.96.14.7:8080"),
        ("SERVICE_HOST", "model.example"),
        ("SERVICE_HOST", "tcp://10.96.14.7"),
        ("SERVICE_PORT", ""),
        ("SERVICE_NAME", "pawline-serve"),
        ("service_host", "10.96.14.7"),
    ],
)
def test_what_is_nearly_so_is_a_wrong_setting(name, value):
    with pytest.raises(UsageError):
        settings_from({f"{PREFIX}{name}": value})


def test_a_misspelt_limit_is_no_limit_and_is_refused():
    with pytest.raises(UsageError, match="PAWLINE_SERVE_MAX_PIXEL"):
        settings_from({"PAWLINE_SERVE_MAX_PIXEL": "1000"})


@pytest.mark.parametrize(
    ("arguments", "settings", "code", "said"),
    [
        (["{bundle}", "--port", "many"], {}, 2, "PORT must be a whole number from 0 to 65535. Received: 'many'"),
        ([], {}, 2, "A bundle must be named"),
        (["{bundle}"], {"PAWLINE_SERVE_PROT": "1"}, 2, "PAWLINE_SERVE_PROT"),
        (["gs://bucket/model"], {}, 2, "A store must be"),
        (["models:/pets"], {}, 2, "must be models:/name@alias or models:/name/version"),
        (["models:/pets@champion"], {}, 2, "no MLFLOW_TRACKING_URI"),
        (["{bundle}/absent"], {}, 1, "A bundle must have its manifest"),
        (["{bundle}", "--host", "203.0.113.1"], {}, 1, "The address to listen on must be free and this machine's"),
    ],
)  # fmt: skip
def test_a_start_that_cannot_be_ends_in_one_line(arguments, settings, code, said, tmp_path):
    bundle = colour_bundle(tmp_path / "bundle")
    command = [word.format(bundle=bundle) for word in arguments]
    port = [] if "--port" in command else ["--port", "0"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PAWLINE", "MLFLOW"))}
    ended = subprocess.run(
        [sys.executable, "-m", "components.serve", *command, *port],
        cwd=ROOT, env=environment | settings, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert ended.returncode == code, ended.stderr
    assert ended.stdout == ""  # Nobody is told of an address before there is what to ask it.
    [line] = ended.stderr.splitlines()
    assert line.startswith("pawline serve: error: ")
    assert said in line
