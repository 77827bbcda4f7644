"""The documentation as a site: built without a warning, complete, and of use without a network."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from components.step.own_processes import own_environment
from tests.support.browser import CHROMIUM, chromium

ROOT = Path(__file__).parents[2]
PAGES = sorted(path.stem for path in (ROOT / "docs").glob("*.md"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make docs` builds."""
    folder = tmp_path_factory.mktemp("site")
    [command] = re.findall(r"^\t\$\(BIN\)/python (-m sphinx .*) build/docs$", (ROOT / "Makefile").read_text(), re.M)
    words = [sys.executable, *command.split(), str(folder / "html"), "-d", str(folder / "read")]
    done = subprocess.run(words, cwd=ROOT, env=own_environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert {"-W", "-n"} <= set(words)  # A warning is an error, a reference to nothing is a warning.
    return folder / "html"


def test_every_page_is_there_and_in_the_contents(site: Path):
    index = (site / "index.html").read_text(encoding="utf-8")
    assert [page for page in PAGES if f'href="{page}.html"' not in index] == ["index"]
    for kind in ("Tutorial", "How to", "Reference", "Explanation"):
        assert f">{kind}</span>" in index


def test_nothing_is_fetched_from_elsewhere(site: Path):
    fetched = r"""(?:<(?:script|img|link|iframe)[^>]*(?:src|href)=|@import |url\()["']?(?:https?:)?//"""
    found = [
        path.name for path in site.rglob("*") if path.suffix in (".html", ".css") and re.search(fetched, _text(path))
    ]
    assert found == []


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_names_of_pages_in_backticks_are_links(site: Path):
    tutorial = _text(site / "tutorial.html")
    assert re.search(r'is in <a[^>]* href="errors\.html"><[^>]*>Errors<', tutorial)
    assert re.search(r'href="manifests\.html"><[^>]*>Pawline on a cluster<', tutorial)
    unlinked = r"<code[^>]*><span[^>]*>(?:docs/[a-z-]+\.md|manifests/README\.md)<"
    assert [page for page in PAGES if re.search(unlinked, _text(site / f"{page}.html"))] == []


def test_routes_metrics_and_functions_come_from_the_code(site: Path):
    assert "POST /v2/models/{name}/infer" in re.sub(r"<[^>]+>", "", _text(site / "http-api.html"))
    assert "pawline_model_refused_total" in _text(site / "monitoring.html")
    api = _text(site / "api.html")
    packages = [path.parent for path in (ROOT / "components").glob("*/__init__.py")]
    begins = {p.name: re.search(r"Begin with `(\w+)", _text(p / "__init__.py"))[1] for p in packages}
    assert [name for name, begin in begins.items() if f"components.{name}.{begin}" not in api] == []


def test_the_diagram_of_the_pipeline_is_the_pipeline(site: Path):
    [drawn] = re.findall(r"```flow\n(.*?)```", _text(ROOT / "docs" / "design.md"), re.DOTALL)
    shown = {
        (source, target, what)
        for source, target, labels in re.findall(r"^(\w+) -> (\w+): (.+)$", drawn, re.MULTILINE)
        for what in labels.split(", ")
    }
    spec = next(yaml.safe_load_all(_text(ROOT / "pipeline" / "pipeline.yaml")))
    assert shown == {
        (given[made]["producerTask"], task, name)
        for task, found in spec["root"]["dag"]["tasks"].items()
        for kind, made in (("artifacts", "taskOutputArtifact"), ("parameters", "taskOutputParameter"))
        for name, given in found["inputs"].get(kind, {}).items()
        if made in given
    }
    assert "<svg" in _text(site / "design.html")


def test_alerts_ask_for_metrics_that_there_are(site: Path):
    page = _text(ROOT / "docs" / "monitoring.md")
    [rules] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    asked = {
        name
        for rule in yaml.safe_load(rules)["groups"][0]["rules"]
        for name in re.findall(r"pawline_\w+", rule["expr"])
    }
    table = re.sub(r"<[^>]+>", "\n", _text(site / "monitoring.html")).splitlines()
    assert asked
    assert asked <= set(table)


@pytest.mark.skipif(not CHROMIUM, reason="needs Chromium")
def test_pages_fit_their_screen_and_the_search_needs_no_server(site: Path):
    with chromium() as browser:
        for width in (390, 1280):
            tab = browser.tab(width=width)
            for page in ("index", "design", "parameters", "monitoring", "api"):
                tab.open(site / f"{page}.html")
                assert tab.evaluate("document.documentElement.scrollWidth") <= width, page
        tab.open((site / "search.html").as_uri() + "?q=champion")
        tab.until("document.querySelectorAll('.search li').length > 3")
        assert {url.split(":")[0] for url in tab.requests()} == {"file"}
