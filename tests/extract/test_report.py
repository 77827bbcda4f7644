"""The data report: what it says is so, what it shows is inert, and a browser draws it on any screen."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from components.dataset.samples import Sample
from components.extract import report as data_report
from components.extract.bad_samples import MUST_AGREE, MUST_DECODE, BadSample
from components.extract.report import DataSummary, size_histogram, write_data_report
from components.step.errors import one_line
from tests.support.generated import image_bytes
from tests.support.patience import PATIENCE
from tests.support.report_text import shown

HOSTILE_LABELS = [
    "<script>document.title='broken'</script>",
    '"><img src=x onerror="document.title=1">',
    "' onmouseover='alert(1)",
    "</style></title></table><h1>",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt;",
    "قطة سوداء",
    "\u202egnp.exe",
    "🐈‍⬛ 👩‍👩‍👧",
    "x" * 1000,
    "https://example.org/a.js",
]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def samples_of(labels: Sequence[str], each: int = 3) -> list[Sample]:
    pairs = [(label, index) for label in labels for index in range(each)]
    return [
        Sample(f"{label[:200]}/{index}.png", label, f"group {number // 2}", f"{number:064}", 100, 80)
        for number, (label, index) in enumerate(pairs)
    ]


def report(
    folder: Path, samples: Sequence[Sample], dropped: Sequence[BadSample] = (), notes: Sequence[str] = ()
) -> str:
    path = folder / "report.html"
    summary = DataSummary("s3://bucket/datasets/" + "ab" * 32, "ecotag", samples, dropped, notes)
    write_data_report(path, summary, lambda some: [(sample, image_bytes(int(sample.sha256) % 7)) for sample in some])
    return path.read_text(encoding="utf-8")


class Page(HTMLParser):
    """What a browser would make of a page: its elements with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def assert_inert_and_self_contained(html: str) -> None:
    page = Page(html)
    assert not {"script", "iframe", "object", "embed", "link", "base", "form", "a"} & {tag for tag, _ in page.elements}
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "action", "data", "srcset", "poster"):
            assert (attributes.get(name) or "data:image/webp;base64,").startswith("data:image/webp;base64,"), (
                tag,
                name,
            )
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    policies = [a["content"] for tag, a in page.elements if tag == "meta" and "http-equiv" in a]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_hostile_labels_and_names_are_only_text(tmp_path: Path) -> None:
    dropped = [BadSample(MUST_AGREE, f"{label}/a.png", f"is cat and {label}") for label in HOSTILE_LABELS]
    html = report(tmp_path, samples_of(HOSTILE_LABELS), dropped, HOSTILE_LABELS)
    assert_inert_and_self_contained(html)
    text = Page(html).text
    for label in HOSTILE_LABELS:
        assert text.count(one_line(label)) >= 2, "in the chart or above its pictures, and in the notes"
    assert "\\u202egnp.exe" in text
    assert "\u202e" not in html, "a name must not turn the text around"
    assert "x" * 301 not in html


def test_the_numbers_are_right(tmp_path: Path) -> None:
    samples = samples_of(["cat"], 5) + samples_of(["dog"], 2)
    copies = [*samples[:5], *(Sample(s.sample_id, s.label, "other", s.sha256, 1500, 20) for s in samples[5:])]
    html = report(tmp_path, copies, [BadSample(MUST_DECODE, "bad.png", "is empty")], ["Not finished: 5 of 9."])
    facts = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", html)
    assert facts == [("samples", "7"), ("classes", "2"), ("groups", "4"), ("exact copies", "2"), ("left out", "1")]
    assert re.findall(r"<bdi>([^<]*)</bdi><i[^>]*></i><span>(\d+)</span>", html) == [
        *(("cat", "5"), ("dog", "2")),
        *(("up to 128", "5"), ("up to 256", "0"), ("up to 512", "0"), ("up to 1024", "0"), ("up to 2048", "2")),
    ]
    assert "Not finished: 5 of 9." in html
    assert "\u2013" not in shown(tmp_path / "report.html")
    assert all(word in html for word in ("bad.png", MUST_DECODE, "is empty"))


def test_a_clean_dataset_has_nothing_to_apologise_for(tmp_path: Path) -> None:
    html = report(tmp_path, samples_of(["cat", "dog"]))
    assert "Left out" not in html
    assert 'class="notes"' not in html


def test_each_class_shows_at_most_eight_pictures_from_all_over_it(tmp_path: Path) -> None:
    html = report(tmp_path, samples_of(["cat"], 80) + samples_of(["dog"], 3))
    shown = re.findall(r'alt="(\w+)/(\d+)\.png"', html)
    assert [int(index) for label, index in shown if label == "cat"] == list(range(0, 80, 10))
    assert len([1 for label, _ in shown if label == "dog"]) == 3


def test_many_classes_and_many_bad_samples_stay_a_small_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_report, "MAX_STRIPS", 10)
    monkeypatch.setattr(data_report, "MAX_DROPPED", 20)
    dropped = [BadSample(MUST_AGREE, f"bad{index:03}.png", "is cat and dog") for index in range(50)]
    html = report(tmp_path, samples_of([f"class {index:03}" for index in range(30)]), dropped)
    assert html.count("<img") == 30
    assert "Pictures of the first 10 of 30 classes." in html
    assert html.count(MUST_AGREE) == 20
    assert "The first 20 of 50." in html


@pytest.mark.parametrize(
    ("sides", "bins"),
    [
        ([], []),
        ([1, 32], [("up to 32", 2)]),
        ([33, 200], [("up to 64", 1), ("up to 128", 0), ("up to 256", 1)]),
        ([4096, 4097, 60000], [("up to 4096", 1), ("over 4096", 2)]),
    ],
)
def test_the_sizes_are_counted_by_the_longer_side(sides: list[int], bins: list[tuple[str, int]]) -> None:
    lying = [Sample(str(side), "cat", "", "", side, 1) for side in sides]
    standing = [Sample(str(side), "cat", "", "", 1, side) for side in sides]
    assert size_histogram(lying) == size_histogram(standing) == bins


# In a browser

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--virtual-time-budget=2000"),
]


def browse(folder: Path, page: Path, *flags: str) -> str:
    """Open `page` in a browser of its own; return what it prints."""
    profile = f"--user-data-dir={folder / 'profile'}"
    command = [str(CHROMIUM), *FLAGS, profile, *flags, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout


def framed(folder: Path, width: int, height: int) -> Path:
    """Return a page that shows the report as the Kubeflow UI does, in a frame, which may be as narrow as a phone."""
    page = folder / "frame.html"
    page.write_text(
        "<!doctype html><meta name=color-scheme content='light dark'><body style='margin:0'>"
        f"<iframe src=report.html style='border:0;display:block;width:{width}px;height:{height}px'></iframe>"
    )
    return page


def screenshot(folder: Path, width: int, dark: bool) -> np.ndarray:
    height, shot = 1200, folder / "shot.png"
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    page = framed(folder, width, height)
    browse(folder, page, f"--window-size={max(width, 600)},{height}", f"--screenshot={shot}", *scheme)
    with Image.open(shot) as image:
        return np.asarray(image.convert("RGB"))[:, :width].astype(int)


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280], ids=["phone", "desktop"])
def test_a_browser_draws_it_without_anything_running_over_the_edge(width: int, dark: bool, tmp_path: Path) -> None:
    report(tmp_path, samples_of(HOSTILE_LABELS), [BadSample(MUST_AGREE, "y" * 200, "is cat and dog")] * 3, ["A note."])
    pixels = screenshot(tmp_path, width, dark)
    page = pixels[2, 2]
    assert (page < 60).all() if dark else (page > 240).all()
    assert (np.abs(pixels[:, -8:] - page).max(axis=(0, 2)) < 8).all(), "the right margin is empty"
    ink = np.abs(pixels[:120] - page).max()
    assert ink > 150, "the title is legible"


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_nothing_hostile_runs_in_a_browser(tmp_path: Path) -> None:
    report(tmp_path, samples_of(HOSTILE_LABELS), [BadSample(MUST_AGREE, label, label) for label in HOSTILE_LABELS])
    dom = browse(tmp_path, tmp_path / "report.html", "--dump-dom")
    assert "<title>Pawline data report</title>" in dom
    assert "<script>" not in dom
    assert dom.count("<h1>") == 1
