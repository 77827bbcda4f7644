"""The test report in a real browser: it draws in Kubeflow's sandbox, opens images, and lets nothing hostile run."""

import re
import time

import numpy as np
import pytest
from PIL import Image

from components.dataset.images import data_uri
from components.metrics.assessment import assess
from components.test.report import MAX_BYTES, markdown_summary, write_test_report
from tests.support.browser import CHROMIUM, chromium
from tests.support.report_text import shown

LONG = "long " * 200
HOSTILE = [
    "<script>window.hacked = 1</script>",
    '"><img src=x onerror="window.hacked = 1">',
    "</script><svg onload='window.hacked = 1'>",
    "\u202egnp.eman \U0001f600 & 'quotes'",
    LONG[:1000],
]

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


def pictures(count, side=96):
    """Return `count` thumbnails as data URIs, of coloured noise that compresses like photos."""
    random = np.random.default_rng(0)
    small = random.integers(0, 256, (count, 12, 12, 3), dtype=np.uint8)
    return [data_uri(Image.fromarray(one).resize((side, side)), side, quality=75, effort=0) for one in small]


def write(path, names, count, notes=(), **parts):
    """Write the report of `count` samples of the classes `names`, with `parts` of its data changed; return its data."""
    random = np.random.default_rng(1)
    labels = np.arange(count) % len(names)
    logits = random.normal(size=(count, len(names))) + 3 * np.eye(len(names))[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    ids = [f"{number:04}-{names[label]}"[:1000] for number, label in enumerate(labels)]
    sizes = random.integers(100, 900, (count, 2))
    statistics = assess(labels, probabilities, names, ids, sizes, random.uniform(0, 255, count), 1.3, 0)
    samples = [sample_of(row, ids, names, labels, probabilities, sizes, uri) for row, uri in enumerate(pictures(count))]
    doubts = [{"sample_id": ids[0], "label": names[0], "suggested": names[1], "score": 0.9}]
    report_data = {
        "samples": samples,
        "selection": {"shown": count, "total": count, "rule": ""},
        "neighbour_thumbnails": {f"near {ids[0]}": samples[0]["thumbnail"]},
        "suspected_label_errors": {"total": 1, "listed": doubts, "believed": True},
        "leakage": {"total": 0, "listed": [], "known": True, "not_compared": 0},
        "neighbours_known": True,
        "notes": list(notes),
    }
    report_data |= {part: report_data[part] | values for part, values in parts.items()}
    history = [
        {"epoch": n, "phase": "head", "loss": 1 / n, "accuracy": 0.5, "validation_loss": 1.1 / n,
         "validation_accuracy": 0.6, "kept": n == 3}
        for n in (1, 2, 3)
    ]  # fmt: skip
    data = {"splits": {"train": dict.fromkeys(names, 3), "validation": dict.fromkeys(names, 1)}}
    write_test_report(path, statistics, report_data, {"dataset": "f" * 64, names[0]: names[-1]}, history, data)
    return statistics, report_data


def test_a_figure_that_no_resample_changes_has_no_interval(tmp_path):
    statistics, _ = write(tmp_path / "report.html", ["cat", "dog"], 4)
    assert (statistics["ok"], statistics["intervals"]["macro_f1"]) == (4, None)
    assert "macro F1 1.000 no interval: every resample is alike" in shown(tmp_path / "report.html")


def sample_of(row, ids, names, labels, probabilities, sizes, uri):
    order = np.argsort(-probabilities[row])[:5]
    return {
        "sample_id": ids[row], "group": ids[row], "label": names[labels[row]], "prediction": names[order[0]],
        "loss": float(-np.log(probabilities[row, labels[row]])), "confidence": float(probabilities[row].max()),
        "probabilities": [(names[i], float(probabilities[row, i])) for i in order],
        "width": int(sizes[row, 0]), "height": int(sizes[row, 1]), "brightness": 0.5, "thumbnail": uri,
        "anchor": f"image-{row + 1}",
        "neighbours": [{"sample_id": f"near {ids[0]}", "label": names[0], "split": "train", "similarity": 0.9}],
    }  # fmt: skip


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report of 60 images of four classes, three of them with hostile names, within Kubeflow's frame."""
    folder = tmp_path_factory.mktemp("report")
    statistics, _ = write(folder / "report.html", [*HOSTILE[:4], "cat"], 60, notes=[HOSTILE[0]])
    (folder / "kubeflow.html").write_text('<iframe sandbox="allow-scripts" src="report.html" width=1200 height=800>')
    return folder, statistics


@pytest.fixture(scope="module")
def browser():
    """One browser for all tests of this module."""
    with chromium() as running:
        yield running


@needs_browser
def test_it_works_in_kubeflow_s_sandbox_with_mouse_and_keys(report, browser):
    folder, statistics = report
    tab = browser.tab()
    tab.open(folder / "kubeflow.html")
    tab.until("document.querySelectorAll('#gallery-tiles button').length === 48")
    # The first cell of the matrix opens its images.
    count = statistics["confusion_matrix"]["counts"][0][0]
    tab.click("#matrix td button")
    tab.until("document.getElementById('viewer').open")
    assert tab.evaluate("document.getElementById('viewer-position').textContent") == f"1 of {count}"
    tab.press("ArrowRight")
    assert tab.evaluate("document.getElementById('viewer-position').textContent") == f"2 of {count}"
    assert tab.evaluate("document.querySelectorAll('#viewer-near figure').length") == 1
    tab.press("Escape")
    tab.until("!document.getElementById('viewer').open")
    # Keys alone: Enter on a tile opens it.
    tab.evaluate("document.querySelector('#gallery-tiles button').focus()")
    tab.press("Enter")
    tab.until("document.getElementById('viewer').open")
    tab.press("Escape")
    assert tab.complaints() == []
    assert [url for url in tab.requests() if not url.startswith("file://")] == []
    assert len([url for url in tab.requests() if url.endswith("report.html")]) == 1


@needs_browser
def test_the_gallery_sorts_and_filters(report, browser):
    tab = browser.tab()
    tab.open(report[0] / "report.html")

    def losses(order):
        tab.evaluate(
            f"(() => {{ const s = document.getElementById('gallery-order'); s.value = '{order}';"
            "s.dispatchEvent(new Event('change')); })()"
        )
        tiles = tab.evaluate("[...document.querySelectorAll('#gallery-tiles button')].map(e => e.textContent)")
        return [float(text.rpartition("loss ")[2]) for text in tiles]

    assert losses("loss-down") == sorted(losses("loss-down"), reverse=True)
    assert losses("loss-up") == sorted(losses("loss-up"))
    tab.evaluate(
        "(() => { const s = document.getElementById('gallery-kind'); s.value = 'wrong';"
        "s.dispatchEvent(new Event('change')); })()"
    )
    wrong = report[1]["ko"]
    assert tab.evaluate("document.getElementById('gallery-count').textContent") == f"{wrong} of 60 images"


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_runs_over_the_edge_and_the_text_stands_out(report, browser, width, dark):
    tab = browser.tab(width=width, dark=dark)
    tab.open(report[0] / "report.html")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    ground = np.median(tab.screenshot().reshape(-1, 3), axis=0)
    assert bool(ground.mean() < 128) is dark
    assert contrast(tab.evaluate("getComputedStyle(document.body).color.match(/\\d+/g).map(Number)"), ground) >= 7


# The words of tables that stand on more than one line.
BROKEN = """[...document.querySelectorAll("td bdi")].flatMap(name =>
[...name.textContent.matchAll(/[a-z]+/g)].filter(word => {
  const range = document.createRange();
  range.setStart(name.firstChild, word.index);
  range.setEnd(name.firstChild, word.index + word[0].length);
  return new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1;
}).map(word => word[0]))"""


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_no_name_of_a_class_is_broken_within_a_word(tmp_path, browser, width):
    write(tmp_path / "report.html", ["ankle-boot", "t-shirt-top", "pullover", "sneaker", "trousers for children"], 60)
    tab = browser.tab(width=width)
    tab.open(tmp_path / "report.html")
    assert tab.evaluate("document.querySelectorAll('td bdi').length") > 5
    assert tab.evaluate(BROKEN) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def contrast(one, other):
    """Return the contrast ratio of two colours. Source: WCAG 2.1, relative luminance."""

    def luminance(colour):
        share = np.asarray(colour) / 255
        linear = np.where(share <= 0.03928, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@needs_browser
def test_hostile_names_are_shown_and_do_nothing(report, browser):
    tab = browser.tab()
    tab.open(report[0] / "report.html")
    for _ in range(3):
        tab.click("#gallery-tiles button")
        tab.press("ArrowRight")
        tab.press("Escape")
    assert tab.evaluate("window.hacked") is None
    shown = tab.evaluate("document.body.textContent")
    assert all(name in shown for name in HOSTILE[:3])
    assert tab.complaints() == []


@needs_browser
def test_a_thousand_images_stay_below_the_limit_and_are_drawn(tmp_path, browser):
    write(tmp_path / "report.html", ["cat", "dog", "other"], 1000)
    assert (tmp_path / "report.html").stat().st_size < MAX_BYTES
    tab = browser.tab()
    began = time.monotonic()
    tab.open(tmp_path / "report.html")
    tab.until("document.querySelectorAll('#gallery-tiles img').length === 48")
    print(f"{(tmp_path / 'report.html').stat().st_size / 1e6:.2f} MB drawn in {time.monotonic() - began:.2f} s")
    assert tab.complaints() == []


@needs_browser
def test_a_thousand_classes_are_a_table_of_the_largest_confusions(tmp_path, browser):
    write(tmp_path / "report.html", [f"class {number}" for number in range(1000)], 1500)
    tab = browser.tab(width=390)
    tab.open(tmp_path / "report.html")
    assert tab.evaluate("document.getElementById('matrix') === null")
    assert tab.evaluate("document.getElementById('confusions').rows.length") == 50
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    assert tab.complaints() == []


def test_the_summary_in_markdown_is_inert_too(tmp_path):
    statistics, report_data = write(tmp_path / "report.html", [*HOSTILE, "cat"], 30)
    summary = markdown_summary(statistics, report_data)
    assert re.search(r"(?<!\\)<", summary) is None  # CommonMark: a backslash makes it a plain character.
    assert "accuracy" in summary


@pytest.mark.parametrize(
    ("part", "values", "said"),
    [
        ("leakage", {"not_compared": 1234}, "1 234 were left out, so there may be more"),
        ("leakage", {"known": False}, "which images of this dataset the model was trained on is not known"),
        ("suspected_label_errors", {"total": 0, "listed": [], "believed": False}, "so it can doubt none"),
        ("suspected_label_errors", {"total": 2}, "Shown are the first 1."),
    ],
)
def test_what_was_left_out_or_not_looked_for_is_said(tmp_path, part, values, said):
    write(tmp_path / "report.html", ["cat", "dog"], 10, **{part: values})
    assert said in shown(tmp_path / "report.html")


def test_a_cut_of_the_near_duplicates_is_said(tmp_path):
    one = {"sample_id": "a", "label": "cat", "other_sample_id": "b", "other_label": "dog", "other_split": "train",
           "kind": "near-duplicate", "similarity": 0.99}  # fmt: skip
    write(tmp_path / "report.html", ["cat", "dog"], 10, leakage={"total": 1283, "listed": [one] * 100})
    assert "1 283 test images look almost like" in shown(tmp_path / "report.html")
    assert "Shown are the 100 closest; the step writes all of them as CSV." in shown(tmp_path / "report.html")
