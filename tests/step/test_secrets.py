"""No secret is said: not by us, not by a library, not in any form a library gives it."""

import base64
import html
import json
import os
import re
import subprocess
import sys
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import markupsafe
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.step.errors import one_line
from components.step.secrets import CUT, secret_values, strip_secrets, without_secret_values

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "T0K3N-must+not/be=seen"
NAMES = ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_PASSWORD", "AWS_SESSION_TOKEN", "AWS_SECRET_ACCESS_KEY")


@given(secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=5, max_size=40))
def test_a_secret_is_cut_out_in_every_form(secret: str) -> None:
    environment = {"MLFLOW_TRACKING_PASSWORD": secret, "MLFLOW_TRACKING_USERNAME": "me"}
    basic = base64.b64encode(f"me:{secret}".encode()).decode()
    forms = [
        secret,
        repr(secret),
        urllib.parse.quote(secret, safe=""),
        basic,
        base64.b64encode(secret.encode()).decode(),
    ]
    said = without_secret_values(" ".join(f"<{form}>" for form in forms), environment)
    assert said.count(CUT) >= len(forms)
    assert secret not in said.replace(CUT, "")
    assert basic.rstrip("=") not in said


ESCAPES: dict[str, Callable[[str], str]] = {
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON of any letters": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "a page": html.escape,
    "XML": lambda text: html.escape(text, quote=False),
    "a report": lambda text: str(markupsafe.escape(text)),
    "an address": lambda text: urllib.parse.quote(text, safe=""),
    "an address in small letters": lambda text: re.sub("%..", lambda code: code[0].lower(), urllib.parse.quote(text)),
    "bytes": lambda text: repr(text.encode())[2:-1],
    "a header": lambda text: text.encode().decode("latin-1"),
}


@given(secret=st.text(st.characters(min_codepoint=33, exclude_categories=["C", "Z"]), min_size=5, max_size=40))
def test_a_secret_is_cut_out_however_an_answer_escapes_it_and_that_again(secret: str) -> None:
    environment = {"MLFLOW_TRACKING_TOKEN": secret}
    for outer in ESCAPES.values():
        for inner in ESCAPES.values():
            assert without_secret_values(f"({outer(inner(secret))})", environment) == f"({CUT})"


@given(start=st.integers(0, 90), limit=st.integers(10, 90))
def test_a_message_that_is_shortened_ends_in_no_half_secret(start: int, limit: int) -> None:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MLFLOW_TRACKING_TOKEN", TOKEN)
        said = one_line(f"{'.' * start}{TOKEN}{'.' * 90}", limit)
    assert len(said) <= limit
    assert TOKEN[:2] not in said


def test_a_secret_that_is_no_text_is_cut_out_too() -> None:
    secret = os.fsdecode(b"\xe9\xfftr\xe8s secret")
    encoded = base64.b64encode(os.fsencode(secret)).decode().rstrip("=")
    assert without_secret_values(f"refused {secret}, {encoded}", {"TOKEN": secret}) == f"refused {CUT}, {CUT}"


def test_a_password_in_an_address_is_a_secret() -> None:
    environment = {"AWS_ENDPOINT_URL_S3": "http://me:pass%2Fword@minio:9000", "TOKENIZERS_PARALLELISM": "false"}
    assert secret_values(environment) == {"pass%2Fword", "pass/word"}
    said = without_secret_values("cannot reach http://me:pass%2Fword@minio:9000 as me:pass/word", environment)
    assert said == f"cannot reach http://me:{CUT}@minio:9000 as me:{CUT}"


@given(secret=st.text(st.characters(min_codepoint=48, max_codepoint=122), min_size=1, max_size=4))
def test_a_short_one_is_cut_out_behind_what_names_it_and_nowhere_else(secret: str) -> None:
    environment = {"AWS_SECRET_ACCESS_KEY": secret, "MLFLOW_TRACKING_USERNAME": "me"}
    basic = base64.b64encode(f"me:{secret}".encode()).decode()
    forms = [
        *(f"AWS_SECRET_ACCESS_KEY={secret}", f"AWS_SECRET_ACCESS_KEY: {secret}", f"AWS_SECRET_ACCESS_KEY={secret!r}"),
        *(str({"AWS_SECRET_ACCESS_KEY": secret}), f"Bearer {secret}", f"me:{secret}", basic),
    ]
    for form in forms:
        assert without_secret_values(f"<{form}>", environment).strip("<>{}=").startswith(CUT)
    assert without_secret_values(f"the {secret} step", environment) == f"the {secret} step"


def test_a_short_password_in_an_address_is_cut_out() -> None:
    environment = {"AWS_ENDPOINT_URL_S3": "http://me:ab@minio:9000"}
    assert "ab" not in without_secret_values("no http://me:ab@minio:9000", environment)


def test_blanks_and_line_ends_around_secrets_are_cut() -> None:
    environment = {"MLFLOW_TRACKING_TOKEN": " abc\r\n", "OTHER": " kept \n"}
    strip_secrets(environment)
    assert environment == {"MLFLOW_TRACKING_TOKEN": "abc", "OTHER": " kept \n"}


COMMANDS = {
    "extract": "components.extract --annotations-uri s3://b/a --images-uri s3://b/i"
    " --dataset-store x --samples s --report r",
    "serve": "components.serve s3://b/x --port 0",
    "serve a registered model": "components.serve models:/x@champion --port 0",
    "rollback": "pipeline.cli rollback",
}


# Every ending where it takes a moment, and the worst, which no stripping mends, for every command.
ENDINGS = [*(("rollback", ending) for ending in ("", "\n", "\r\n")), *((command, "\nx") for command in COMMANDS)]


@pytest.mark.parametrize(("command", "ending"), ENDINGS)
def test_no_command_says_a_secret_that_a_library_refuses(tmp_path: Path, command: str, ending: str) -> None:
    secrets = {name: f"{TOKEN}-{number}{ending}" for number, name in enumerate(NAMES)}
    places = {
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_S3": f"http://me:{TOKEN}@127.0.0.1:9",
        "AWS_MAX_ATTEMPTS": "1",
        "MLFLOW_TRACKING_URI": f"http://me:{TOKEN}@127.0.0.1:9",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        "PYTHONPATH": str(ROOT),
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MLFLOW_"))}
    done = subprocess.run(
        [sys.executable, "-m", *COMMANDS[command].split()],
        env=environment | places | secrets, cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode in (1, 2), done.stderr
    assert TOKEN not in done.stdout + done.stderr
    assert TOKEN not in "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())


def test_a_traceback_says_no_secret() -> None:
    code = (
        "import os\nfrom components.step.secrets import no_secrets_said\n"
        "with no_secrets_said():\n    raise RuntimeError('refused ' + os.environ['MY_TOKEN'])"
    )
    environment = os.environ | {"MY_TOKEN": TOKEN, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert f"RuntimeError: refused {CUT}" in done.stderr
    assert TOKEN not in done.stderr
