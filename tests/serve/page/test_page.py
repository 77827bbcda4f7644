"""The page in a real browser, against the real server: try a picture, draw one, look at the data."""

import io
import json
import re
import urllib.parse

import numpy as np
import pytest
from PIL import Image

from components.bundle.manifest import MANIFEST
from components.metrics.calibration import calibrated
from components.serve.page.drawing import drawing_style
from tests.support.browser import CHROMIUM, chromium
from tests.support.serving import CLASSES, colour_bundle, running_server

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

HOSTILE = "<img src=x onerror='window.hacked = 1'>"
DATA = {
    "splits": {"train": {"blue": 30, "green": 20, "red": 10}, "validation": {"blue": 3, "green": 3, "red": 3}},
    "width": {"min": 30, "median": 64, "max": 640},
    "height": {"min": 30, "median": 48, "max": 480},
    "sizes": [[64, 48, 60], [640, 480, 9]],
    "validation_confusion_matrix": [[3, 0, 0], [0, 2, 1], [0, 0, 3]],
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of a small bundle that tells of its data and, in a place for text, of something hostile."""
    folder = tmp_path_factory.mktemp("page")
    bundle = colour_bundle(folder / "bundle")
    manifest = json.loads((bundle / MANIFEST).read_text())
    manifest |= {"data": DATA, "backbone": HOSTILE, "metrics": {"validation_accuracy": 8 / 9}, "temperature": 0.6}
    (bundle / MANIFEST).write_text(json.dumps(manifest))
    with running_server(bundle, folder / "log") as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    """One browser for all tests of this module."""
    with chromium() as running:
        yield running


def opened(server, browser, **screen):
    """Return a tab with the page, loaded with its examples; what other tabs have said before is forgotten."""
    browser.events.clear()
    tab = browser.tab(**screen)
    tab.open(f"{server.url}/")
    tab.until("document.querySelectorAll('#examples img').length === 3")
    return tab


@pytest.fixture
def page(server, browser):
    return opened(server, browser)


def answer(tab):
    """Return the text of the answer as soon as there is one, with its shares."""
    return tab.until("(t => t.includes('%') && t)(document.getElementById('answer').textContent)")


def test_an_example_is_answered_and_nobody_else_is_asked(page, server):
    page.click("#examples button")
    assert any(name in answer(page) for name in CLASSES)
    assert page.until("document.querySelector('#answer img')?.naturalWidth") == 32  # What the model sees.
    assert {urllib.parse.urlsplit(url).netloc for url in page.requests() if not url.startswith("blob:")} == {
        server.url.removeprefix("http://")
    }
    assert page.evaluate("window.hacked") is None
    assert HOSTILE in page.evaluate("document.body.textContent")
    assert page.complaints() == []


def drop(tab, colour, wide=40, high=40):
    """Drop a picture of one colour, `wide` by `high` pixels, on the page."""
    tab.evaluate(
        f"(async () => {{ const c = document.createElement('canvas'); c.width = {wide}; c.height = {high};"
        "const g = c.getContext('2d');"
        f"g.fillStyle = {json.dumps(colour)}; g.fillRect(0, 0, c.width, c.height);"
        "const blob = await new Promise(done => c.toBlob(done)); const data = new DataTransfer();"
        "data.items.add(new File([blob], 'mine.png', {type: 'image/png'}));"
        "document.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true})); })()"
    )


@pytest.mark.parametrize(("colour", "name"), [("#f00", "red"), ("#00f", "blue")])
def test_a_picture_that_is_dropped_is_answered_with_bars(page, colour, name):
    drop(page, colour)
    assert name in answer(page)


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize(("wide", "high"), [(150, 150), (90, 900), (900, 90), (3, 4)])
def test_a_picture_that_is_chosen_is_shown_whole(server, browser, width, wide, high):
    page = opened(server, browser, width=width)
    drop(page, "#f00", wide, high)
    answer(page)
    assert page.evaluate(
        "(() => { const box = e => document.querySelector(e).getBoundingClientRect();"
        "const field = box('#drop'), shown = box('#chosen');"
        "return shown.top >= field.top && shown.bottom <= field.bottom && shown.left >= field.left"
        " && shown.right <= field.right && shown.height > 0; })()"
    )


def test_no_word_of_a_class_is_broken_on_a_phone(server, browser):
    page = opened(server, browser, width=390)
    page.click("#tab-data")
    page.until("document.querySelectorAll('#data td bdi').length > 0")
    broken = page.evaluate(
        "[...document.querySelectorAll('#data details')].forEach(each => each.open = true);"
        "const names = [...document.querySelectorAll('#data td bdi')], words = ['=métal', 'Papier', 'Karton'];"
        "for (const name of names) name.textContent = '=métal Papier & Karton';"
        "const broken = (text, word) => { const range = document.createRange(), at = text.data.indexOf(word);"
        "range.setStart(text, at); range.setEnd(text, at + word.length); return range.getClientRects().length > 1; };"
        "names.flatMap(name => words.filter(word => broken(name.firstChild, word)))"
    )
    assert broken == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_file_that_is_no_picture_is_refused_in_words(page):
    page.evaluate(
        "(() => { const data = new DataTransfer(); data.items.add(new File(['no picture'], 'a.txt'));"
        "document.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true})); })()"
    )
    page.until("document.body.textContent.includes('not a readable')")


def test_what_is_drawn_is_answered(page):
    page.click('[name="source"][value="drawing"]')
    page.until("!document.getElementById('source-drawing').hidden")
    page.evaluate(
        "(() => { const pad = document.getElementById('pad'), box = pad.getBoundingClientRect();"
        "pad.setPointerCapture = () => {};"
        "const at = (kind, share) => pad.dispatchEvent(new PointerEvent(kind, {pointerId: 1, button: 0, bubbles: true,"
        "clientX: box.left + share * box.width, clientY: box.top + share * box.height}));"
        "at('pointerdown', 0.2); at('pointermove', 0.5); at('pointermove', 0.8); at('pointerup', 0.8); })()"
    )
    assert any(name in answer(page) for name in CLASSES)


def shares(tab, where):
    """Return the bars shown below the element `where`: class and percentage, the first first."""
    script = (
        "[...document.querySelectorAll('%s > .bars > .bar')].map((bar) => [bar.querySelector('bdi').textContent,"
        "parseFloat(bar.querySelector('.value').textContent), parseFloat(bar.querySelector('i').style.width)])"
    )
    return {name: (shown, wide) for name, shown, wide in tab.evaluate(script % where)}


def test_the_page_shows_one_truth_the_calibrated_and_the_network_s_own_under_its_name(page, server):
    drop(page, "#8a7f7f")  # Nothing sure.
    answer(page)
    picture = io.BytesIO()
    Image.new("RGB", (40, 40), "#8a7f7f").save(picture, "PNG")
    said = json.loads(server.post("/predict", picture.getvalue())[1])
    sure = dict(zip(said["probabilities"], calibrated(list(said["probabilities"].values()), 0.6), strict=True))
    assert sure[said["class"]] == pytest.approx(said["confidence"], abs=1e-6)
    assert abs(said["confidence"] - said["probabilities"][said["class"]]) > 0.05, "else the test shows nothing"
    assert f"{100 * said['confidence']:.1f}\u202f% confident" in answer(page)
    for where, expected in (("#answer", sure), ("#raw", said["probabilities"])):
        bars = shares(page, where)
        assert {name: shown for name, (shown, _) in bars.items()} == {n: round(100 * p, 1) for n, p in expected.items()}
        assert {n: wide for n, (_, wide) in bars.items()} == pytest.approx(
            {n: 100 * p for n, p in expected.items()}, abs=0.01
        )
    assert "own probabilities" in page.evaluate("document.querySelector('#raw summary').textContent")


def test_the_numbers_of_the_data_tab_are_those_of_the_bundle(page, server):
    page.click("#tab-data")
    page.until("document.getElementById('data').textContent.includes('Per class')")
    text = page.evaluate("document.getElementById('data').textContent")
    assert [word for word in ("\u2013", "NaN", "undefined", "null", "Infinity") if word in text] == []
    rows = page.evaluate(
        "[...document.querySelectorAll('#data table.wide tbody tr')].map((row) =>"
        "[...row.cells].map((cell) => cell.textContent.replaceAll('\u202f', '')))"
    )
    assert ["green", "red", "1", "33.3%"] in rows, "the mistake and its share of the class"
    of_class = {row[0]: row[1:] for row in rows if len(row) == 4 and row[1].endswith("%")}
    for one in json.loads(server.get("/dashboard")[1])["per_class"]:
        assert of_class[one["class_name"]] == [f"{100 * one[k]:.1f}%" for k in ("precision", "recall", "f1")]
    captions = page.evaluate("[...document.querySelectorAll('#data figcaption')].map((one) => one.innerText)")
    examples = json.loads(server.get("/examples")[1])["examples"]
    assert captions == [f"model says\n{one['class']}\n{100 * one['confidence']:.1f}\u202f%" for one in examples]
    facts = page.evaluate("[...document.querySelectorAll('#data .facts dd')].map((one) => one.textContent)")
    assert facts == ["3", "60", "9", "88.9\u202f%"]


def test_the_scripts_read_no_key_that_the_server_does_not_send(page, server):
    """Walk: every name that a script takes apart a row of the dashboard by is in what the server sends."""
    sent = keys_in(json.loads(server.get("/dashboard")[1]) | json.loads(server.get("/card")[1]))
    script = server.get("/page/dashboard.js")[1].decode()
    taken = {
        name.split(":")[0].strip() for found in re.findall(r"\(\(?\{([^{}()]*)\}", script) for name in found.split(",")
    }
    assert taken - {""} <= sent


def keys_in(value):
    if isinstance(value, list):
        return set().union(*map(keys_in, value))
    if isinstance(value, dict):
        return set(value) | set().union(*map(keys_in, value.values()))
    return set()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_all_tabs_fit_the_screen_and_show_the_bundle_s_data(server, browser, width, dark):
    tab = opened(server, browser, width=width, dark=dark)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    tab.click("#tab-data")
    tab.until("!document.getElementById('data').hidden && document.getElementById('data').textContent.includes('60')")
    text = tab.evaluate("document.getElementById('data').textContent")
    assert all(name in text for name in CLASSES)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    tab.click("#tab-api")
    tab.evaluate("document.querySelectorAll('#api details').forEach((one) => (one.open = true))")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert bool(np.median(tab.screenshot()) < 128) is dark
    assert tab.complaints() == []


def test_keys_reach_the_second_tab(page):
    page.evaluate("document.getElementById('tab-try').focus()")
    page.press("ArrowRight")
    page.until("!document.getElementById('data').hidden")


def test_the_third_tab_says_how_to_ask_and_is_found_where_others_have_theirs(server, browser):
    document = json.loads(server.get("/openapi.json")[1])
    tab = browser.tab()
    tab.open(f"{server.url}/docs")
    tab.until("document.querySelectorAll('#api details').length > 0 && !document.getElementById('api').hidden")
    shown = tab.evaluate("[...document.querySelectorAll('#api summary code')].map((one) => one.textContent)")
    assert set(shown) == {
        f"{method.upper()} {path}"
        for path, item in document["paths"].items()
        for method in item
        if method != "parameters"
    }
    commands = tab.evaluate("[...document.querySelectorAll('#api pre')].map((one) => one.textContent)")
    assert f"curl --data-binary @picture.jpg '{server.url}/predict'" in commands
    assert f"curl '{server.url}/v2/models/{{name}}'" in commands


def test_a_server_that_is_busy_is_asked_again(page):
    page.evaluate(
        "(() => { const real = window.fetch; let busy = 1; window.fetch = (...a) => busy-- > 0 ?"
        "Promise.resolve(new Response('{}', {status: 503, headers: {'Retry-After': '1'}})) : real(...a); })()"
    )
    drop(page, "#0f0")
    assert "green" in answer(page)


def test_it_can_be_switched_off(tmp_path):
    with running_server(colour_bundle(tmp_path / "bundle"), tmp_path / "log", page="false") as server:
        assert server.get("/")[0] == 404
        assert server.get("/page/main.js")[0] == 404
        assert server.get("/health")[0] == 200


def digits(dark):
    """Return pictures of a stroke as digit datasets have them."""
    images = np.zeros((4, 28, 28, 3), np.uint8)
    images[:, 6:22, 12:16] = 255
    return images if dark else 255 - images


@pytest.mark.parametrize("dark", [True, False])
def test_drawings_have_the_polarity_of_the_bundle_s_own(dark):
    style = drawing_style(digits(dark))
    assert (style["background"], style["centre"]) == ("dark" if dark else "light", True)
    assert style["extent"] == pytest.approx(16 / 28, abs=0.01)


def test_photos_are_not_drawn_like_digits():
    photos = np.random.default_rng(0).integers(0, 256, (4, 28, 28, 3), dtype=np.uint8)
    assert drawing_style(photos)["centre"] is False
