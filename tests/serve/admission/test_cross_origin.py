"""Cross-origin requests: none by default, and those of the pages that a setting names."""

import pytest

from components.serve.app import make_app
from components.serve.settings import Settings
from components.serve.work.service import Service
from tests.serve.test_app import NoToken, asked, service  # noqa: F401 - a fixture

ORIGIN = {"Origin": "https://a.example"}


def preflight(app: object, origin: str, path: str = "/predict") -> tuple[int, dict[str, str], bytes]:
    return asked(app, "OPTIONS", path, {"Origin": origin, "Access-Control-Request-Method": "POST"})


def test_no_page_of_another_origin_may_ask_by_default(service):  # noqa: F811
    app = make_app(service)
    for answer in (asked(app, "GET", "/metadata", ORIGIN), preflight(app, ORIGIN["Origin"])):
        assert not [name for name in answer[1] if name.startswith("access-control")]
    assert preflight(app, ORIGIN["Origin"])[0] == 405


@pytest.mark.parametrize("authorization", [None, NoToken()])
def test_a_page_that_is_named_may_ask_and_no_other(tmp_path, authorization):
    named = Service(Settings(workers=1, access_log=False, cors_origins="https://a.example http://localhost:3000"))
    app = make_app(named, authorization)
    status, headers, _ = preflight(app, "https://a.example")
    assert (status, headers["access-control-allow-origin"], headers["vary"]) == (204, "https://a.example", "Origin")
    assert "Authorization" in headers["access-control-allow-headers"]
    for path in ("/predict", "/metadata", "/health", "/nowhere"):  # Refusals can be read, too.
        allowed = asked(app, "GET", path, ORIGIN)[1]["access-control-allow-origin"]
        assert allowed == "https://a.example"
    for other in ("https://a.example.evil", "http://a.example", "null", "https://A.example", "*", ""):
        assert "access-control-allow-origin" not in preflight(app, other)[1]
        found = asked(app, "GET", "/health", {"Origin": other})[1]
        assert "access-control-allow-origin" not in found
        assert found["vary"] == "Origin"
    assert not [name for name in headers if name == "access-control-allow-credentials"]


def test_all_pages_may_be_let_in():
    app = make_app(Service(Settings(workers=1, access_log=False, cors_origins="*")))
    assert preflight(app, "null")[1]["access-control-allow-origin"] == "*"
    assert asked(app, "GET", "/health", ORIGIN)[1]["access-control-allow-origin"] == "*"
