"""Settings: typed, bounded, and no misspelt one passes for a default."""

import os
import subprocess
import sys

import pytest

from components.serve.settings import PREFIX, Settings, settings_from
from components.step.errors import UsageError
from tests.support.patience import PATIENCE
from tests.support.serving import ROOT, colour_bundle


def test_an_empty_environment_gives_the_defaults():
    assert settings_from({"PATH": "/bin", "PAWLINE_SERVE_OAUTH2_ISSUER": "not ours"}) == Settings()


def test_every_setting_is_read():
    values = {
        "MODEL": "s3://models/pets", "HOST": "::1", "PORT": "0", "MODEL_NAME": "pets", "MODEL_VERSION": "2",
        "WATCH": "1.5", "WORKERS": "3", "QUEUE": "10", "MAX_BODY_BYTES": "1000", "MAX_BUFFERED_BYTES": "2000",
        "MAX_PIXELS": "100", "MAX_BATCH": "4", "TIMEOUT": "2.5", "DRAIN": "0", "PAGE": "false", "ACCESS_LOG": "false",
    }  # fmt: skip
    read = settings_from({f"{PREFIX}{name}": value for name, value in values.items()})
    assert read == Settings(
        "s3://models/pets", "::1", 0, "pets", "2", 1.5, 3, 10, 1000, 2000, 100, 4, 2.5, 0.0, False, False
    )


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
        ("MODEL", "a\nb"),
        ("MAX_BODY_BYTES", "100000000"),  # More than all bodies together may have.
    ],
)
def test_a_wrong_value_is_refused_in_one_line_that_names_it(name: str, value: str):
    with pytest.raises(UsageError, match=f"{PREFIX}{name} must be|MAX_BUFFERED_BYTES must be") as caught:
        settings_from({f"{PREFIX}{name}": value})
    assert str(caught.value).isprintable()


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
        (["{bundle}/absent"], {}, 1, "The file must exist"),
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
    [line] = ended.stderr.splitlines()
    assert line.startswith("pawline serve: error: ")
    assert said in line
