"""Bearer tokens: what is let in, what is refused and how, while the issuer rotates its keys or is away."""

import asyncio
import base64
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from components.serve.auth import signing_keys
from components.serve.auth.authorization import BearerAuthorization, authorization_from, settings_from
from components.serve.auth.signing_keys import SigningKeys
from components.step.errors import ServiceError, UsageError
from tests.support.hostile_images import good_files
from tests.support.issuer import AUDIENCE, NAME, private_key, public_jwk, running_issuer, token
from tests.support.patience import PATIENCE
from tests.support.serving import answer_to, colour_bundle, running_server


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def issuer():
    with running_issuer() as running:
        yield running


def answers(issuer, *headers, **settings):
    """Return what a fresh check says to each Authorization header."""

    async def ask():
        authorization = authorization_from(issuer.environment(**settings))
        await authorization.start()
        try:
            return [await authorization.check(header) for header in headers]
        finally:
            await authorization.stop()

    return asyncio.run(ask())


def statuses(issuer, *tokens, **settings):
    return [
        refusal and refusal.status for refusal in answers(issuer, *(f"Bearer {token}" for token in tokens), **settings)
    ]


def with_clock(issuer, story):
    """Run `story(check, clock)` where `check(token)` gives the status of a refusal, None if let in."""

    async def told():
        clock = Clock()
        settings = settings_from(issuer.environment())
        authorization = BearerAuthorization(settings, SigningKeys(settings.jwks_uri, clock))
        await authorization.start()

        async def check(text):
            refusal = await authorization.check(f"Bearer {text}")
            return refusal and refusal.status

        try:
            await story(check, clock)
        finally:
            await authorization.stop()

    asyncio.run(told())


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [("first", "RS256"), ("second", "PS384"), ("ec", "ES256"), ("ed", "EdDSA")],
)
def test_a_good_token_of_every_kind_is_let_in(issuer, key, algorithm):
    issuer.publish(public_jwk(key, alg=algorithm, use="sig"), public_jwk("ec-other"))
    assert statuses(issuer, token(key, algorithm)) == [None]


def test_the_scheme_may_be_written_in_any_case_and_the_audience_be_one_of_several(issuer):
    good = token(aud=["other", AUDIENCE])
    assert answers(issuer, f"bearer {good}", f"BEARER  {good} ") == [None, None]


def test_a_token_without_key_id_is_checked_with_the_only_key(issuer):
    nameless = token(headers={"kid": None})
    assert statuses(issuer, nameless) == [None]
    issuer.publish(public_jwk("first"), public_jwk("second"))
    assert statuses(issuer, nameless) == [401]


@dataclass(frozen=True)
class Seconds:
    """A time `later` than when the test runs, which is not when it is collected."""

    later: float


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": Seconds(-31)},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": float("inf")},
        {"nbf": float("inf")},
        {"nbf": Seconds(120)},
        {"iat": Seconds(120)},
        {"iss": NAME + "/"},
        {"iss": None},
        {"aud": "another"},
        {"aud": [AUDIENCE + "s"]},
        {"aud": None},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_is_refused(issuer, claims):
    times = {name: time.time() + value.later if isinstance(value, Seconds) else value for name, value in claims.items()}
    assert statuses(issuer, token(**times)) == [401]


def unsigned(algorithm: str) -> str:
    head = {"alg": algorithm, "typ": "JWT", "kid": "first"}
    claims = {"iss": NAME, "aud": AUDIENCE, "exp": time.time() + 60}
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (head, claims))
    return ".".join(parts) + "."


def signed_with_the_public_key() -> str:
    """Return what fools a checker that lets the token choose HS256: the public key was the secret."""
    import hashlib
    import hmac

    form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    secret = private_key("first").public_key().public_bytes(*form)
    text = unsigned("HS256").rstrip(".")
    signature = hmac.new(secret, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", "RS256", "HS256"])
def test_an_unsigned_token_is_refused(issuer, algorithm):
    assert statuses(issuer, unsigned(algorithm)) == [401]


def test_forged_tokens_are_refused(issuer):
    good = token()
    head, claims, signature = good.split(".")
    forged = [
        signed_with_the_public_key(),
        token("second", headers={"kid": "first"}),  # Another's key under the known name.
        token("second"),
        token(algorithm="RS512"),  # The key is for RS256.
        token(headers={"typ": "logout+jwt"}),
        token(headers={"crit": ["unknown"], "unknown": 1}),
        f"{head}.{claims[:-2]}AA.{signature}",
        f"{head}.{claims}.{signature[:-4]}AAAA",
        f"{head}.{claims}",
        f"{head}.{claims}.",
        "a.b.c",
        "x" * 100,
    ]
    assert statuses(issuer, *forged, good) == [*[401] * len(forged), None]


def test_keys_named_by_the_token_itself_are_not_used(issuer):
    own = {"jwk": public_jwk("second"), "jku": issuer.uri + "/own", "x5u": issuer.uri, "kid": "first"}
    assert statuses(issuer, token("second", headers=own)) == [401]
    assert issuer.asked == 1


@pytest.mark.parametrize("published", [{"use": "enc"}, {"alg": "RSA-OAEP"}])
def test_a_key_for_encryption_verifies_nothing(issuer, published):
    issuer.publish(public_jwk("first", **published), public_jwk("second"))
    assert statuses(issuer, token(), token("second")) == [401, None]


@pytest.mark.filterwarnings("ignore:The RSA key is 1024")
def test_a_key_that_is_too_short_is_refused(issuer):
    issuer.publish(public_jwk("short"))
    assert statuses(issuer, token("short")) == [401]


@pytest.mark.parametrize(
    ("header", "status", "error"),
    [
        (None, 401, None),
        ("", 401, None),
        ("Basic dTpw", 401, None),
        ("Bearer", 400, "invalid_request"),
        ("Bearer a b", 400, "invalid_request"),
        ("Bearer " + "x" * 9000, 400, "invalid_request"),
        ("Bearer é.é.é", 400, "invalid_request"),
        ("Bearer a.b.c", 401, "invalid_token"),
    ],
)
def test_a_refusal_says_how_to_ask(issuer, header, status, error):
    [refusal] = answers(issuer, header)
    expected = 'Bearer realm="pawline"' + (f', error="{error}"' if error else "")
    assert (refusal.status, refusal.headers["WWW-Authenticate"]) == (status, expected)
    assert (header or "none") not in refusal.message


@given(text=st.one_of(st.text(), st.from_regex(r"[A-Za-z0-9_-]{0,40}(\.[A-Za-z0-9_-]{0,40}){0,3}", fullmatch=True)))
def test_no_text_is_taken_for_a_token_or_breaks_the_check(text):
    class NoKeys(SigningKeys):
        async def find(self, key_id):
            return None

    settings = settings_from({f"PAWLINE_SERVE_OAUTH2_{n}": "https://a.example" for n in ("ISSUER", "JWKS_URI")} | {
        "PAWLINE_SERVE_OAUTH2_AUDIENCE": AUDIENCE
    })  # fmt: skip
    refusal = asyncio.run(BearerAuthorization(settings, NoKeys(settings.jwks_uri)).check(f"Bearer {text}"))
    assert refusal.status in (400, 401)


def test_scopes_are_all_needed_and_found_wherever_issuers_write_them(issuer):
    both = {"SCOPES": "predict  read"}
    good = [token(scope="read predict"), token(scope=None, scp=["predict", "read"]), token(scope="read", scp="predict")]
    bad = [token(), token(scope=None), token(scope="PREDICT read"), token(scope=None, scp=[["predict"], 1, "read"])]
    assert statuses(issuer, *good, *bad, **both) == [None, None, None, 403, 403, 403, 403]
    [refusal] = answers(issuer, f"Bearer {token()}", **both)
    assert refusal.headers["WWW-Authenticate"].endswith('error="insufficient_scope", scope="predict read"')


def test_a_new_key_is_fetched_when_its_first_token_comes(issuer):
    async def story(check, clock):
        assert await check(token()) is None
        issuer.publish(public_jwk("first"), public_jwk("second"))
        clock.now += signing_keys.PAUSE_SECONDS
        assert await asyncio.gather(*(check(token("second")) for _ in range(20))) == [None] * 20
        assert issuer.asked == 2

    with_clock(issuer, story)


def test_invented_key_names_cost_the_issuer_one_request_in_ten_seconds(issuer):
    async def story(check, clock):
        for index in range(30):
            clock.now += 1
            assert await check(token("second", headers={"kid": f"invented{index}"})) == 401
        assert issuer.asked == 1 + 3

    with_clock(issuer, story)


def test_a_withdrawn_key_is_refused_after_the_keys_were_renewed(issuer):
    async def story(check, clock):
        issuer.publish(public_jwk("second"))
        clock.now += signing_keys.FRESH_SECONDS + 1
        assert await check(token()) is None  # Renewing does not hold the answer up.
        assert await check(token("second")) is None  # This one waits for it.
        assert await check(token()) == 401

    with_clock(issuer, story)


@pytest.mark.parametrize("trouble", [{"status": 503}, {"document": b"<html>"}, {"document": {"keys": []}}])
def test_an_outage_of_the_issuer_is_survived_for_a_day(issuer, trouble):
    async def story(check, clock):
        good = dict(vars(issuer))
        for name, value in trouble.items():
            setattr(issuer, name, value)
        for _ in range(3):
            clock.now += signing_keys.FRESH_SECONDS * 2
            assert await check(token()) is None
            assert await check(token("second")) == 401
        assert issuer.asked > 2
        clock.now += signing_keys.USABLE_SECONDS
        assert await check(token()) == 503
        issuer.status, issuer.document = good["status"], good["document"]
        clock.now += signing_keys.PAUSE_SECONDS
        assert await check(token()) is None

    with_clock(issuer, story)


def test_a_slow_issuer_holds_up_neither_the_loop_nor_known_tokens(issuer, monkeypatch):
    monkeypatch.setattr(signing_keys, "FETCH_SECONDS", 0.3)

    async def story(check, clock):
        issuer.delay = 1
        clock.now += signing_keys.FRESH_SECONDS + 1
        waiting = asyncio.create_task(check(token("second")))
        await asyncio.sleep(0)
        for _ in range(20):
            assert await check(token()) is None
        assert not waiting.done()
        assert await waiting == 401

    with_clock(issuer, story)


def test_a_request_that_is_given_up_leaves_the_others_their_fetch(issuer):
    async def story(check, clock):
        issuer.publish(public_jwk("second"))
        issuer.delay = 0.1
        clock.now += signing_keys.PAUSE_SECONDS
        first, second = (asyncio.create_task(check(token("second"))) for _ in range(2))
        await asyncio.sleep(0.02)
        first.cancel()
        assert await second is None

    with_clock(issuer, story)


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": 404},
        {"status": 302},
        {"document": b"\xff"},
        {"document": b"[" * 100_000},
        {"document": [1]},
        {"document": {"keys": {"kid": 1}}},
        {"document": {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "first"}]}},
        {"document": b" " * (signing_keys.MAX_BYTES + 1)},
    ],
    ids=lambda trouble: str(trouble)[:60],
)
def test_a_start_without_usable_keys_ends_in_one_line(issuer, trouble):
    for name, value in trouble.items():
        setattr(issuer, name, value)
    with pytest.raises(ServiceError, match="JWKS_URI") as raised:
        answers(issuer)
    assert "\n" not in str(raised.value)


def test_a_start_without_an_issuer_ends_in_one_line(issuer):
    with pytest.raises(ServiceError, match="signing keys"):
        answers(issuer, JWKS_URI="http://127.0.0.1:9/keys")


def test_without_any_setting_nothing_is_checked():
    assert authorization_from({"PAWLINE_SERVE_PORT": "1", "HOME": "/"}) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"ISSUER": None},
        {"AUDIENCE": None},
        {"JWKS_URI": None},
        {"ISSUER": None, "AUDIENCE": None, "JWKS_URI": None, "SCOPES": "predict"},
        {"AUDIENCE": ""},
        {"SCOPES": " "},
        {"ENABLED": "false"},
        {"AUDIENCES": "pawline"},
        {"": "x"},
        {"ISSUER": "login.example.org"},
        {"JWKS_URI": "http://login.example.org/keys"},
        {"JWKS_URI": "file:///etc/keys"},
        {"JWKS_URI": "https://user:word@login.example.org/keys"},
        {"JWKS_URI": "https://[::1/keys"},
        {"SCOPES": 'a"b'},
    ],
    ids=str,
)
def test_settings_that_are_not_whole_end_the_start(changed):
    whole = {"ISSUER": NAME, "AUDIENCE": AUDIENCE, "JWKS_URI": "https://login.example.org/keys"}
    given = {f"PAWLINE_SERVE_OAUTH2_{n}": value for n, value in (whole | changed).items() if value is not None}
    with pytest.raises(UsageError, match="PAWLINE_SERVE_OAUTH2_"):
        authorization_from(given)
    assert authorization_from({f"PAWLINE_SERVE_OAUTH2_{n}": value for n, value in whole.items()}) is not None


OPEN = {"/health", "/v2/health/live", "/v2/health/ready", "/metrics", "/openapi.json"}


def asked(server, method, path, header=None):
    request = urllib.request.Request(server.url + path, good_files()["jpeg"] if method == "post" else None)
    request.add_header("Content-Type", "image/jpeg")
    if header:
        request.add_header("Authorization", header)
    return answer_to(request)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A server that wants tokens with the scope `predict`, and its issuer."""
    folder = tmp_path_factory.mktemp("guarded")
    with running_issuer() as issuer:
        environment = os.environ | issuer.environment(SCOPES="predict")
        with running_server(colour_bundle(folder / "bundle"), folder / "log", environment=environment) as server:
            yield server, issuer


def test_the_server_asks_for_a_token_everywhere_but_for_probes_and_the_page(guarded):
    server, _ = guarded
    paths = json.loads(server.get("/openapi.json")[1])["paths"]
    filled = {path: re.sub(r"\{(\w+)\}", "0", path) for path in paths}
    found = {(path, method): asked(server, method, filled[path])[0] for path in paths for method in paths[path]
             if method in ("get", "post")}  # fmt: skip
    assert {path for path, _ in found} >= {"/predict", "/batch_predict", "/metadata", "/v2/models/{name}/infer"}
    assert {key for key, status in found.items() if status != 401} == {(path, "get") for path in OPEN if path in paths}
    assert server.get("/")[0] == 200
    assert server.get("/nowhere")[0] in (401, 404)


def test_the_server_lets_good_tokens_in_and_no_others(guarded):
    server, issuer = guarded
    good, issuer.status = f"Bearer {token()}", 503  # The issuer is away, its keys are known.
    assert asked(server, "post", "/predict", good)[0] == 200
    status, body = asked(server, "post", "/predict", f"Bearer {token(scope='read')}")
    assert (status, json.loads(body)["error"]["code"]) == (403, "forbidden")
    assert asked(server, "post", "/predict", f"Bearer {token(exp=1)}")[0] == 401
    assert asked(server, "post", "/v2/models/classifier/infer", f"Bearer {unsigned('none')}")[0] == 401
    log = server.log.read_text()
    assert good.split()[1] not in log
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("settings", "code"),
    [({"ISSUER": NAME}, 2), ({"ISSUER": NAME, "AUDIENCE": "a", "JWKS_URI": "http://127.0.0.1:9/keys"}, 1)],
    ids=["partial", "issuer away"],
)
def test_a_server_that_cannot_check_tokens_does_not_start(settings, code, tmp_path):
    environment = os.environ | {f"PAWLINE_SERVE_OAUTH2_{name}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "components.serve", str(colour_bundle(tmp_path / "bundle")), "--port", "0"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == code
    assert len(done.stderr.splitlines()) == 1
    assert "PAWLINE_SERVE_OAUTH2_" in done.stderr
