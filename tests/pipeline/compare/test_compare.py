"""Comparisons: figures, tests and costs of recorded runs, what is refused, and how it looks."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from scipy.stats import binomtest

from components.bundle.latency import measure_latency
from components.step.errors import DataError, UsageError
from pipeline.cli import main as cli
from pipeline.compare.comparison import Comparison, as_json, compare
from pipeline.compare.metrics import measured
from pipeline.compare.pairs import paired_tests
from pipeline.compare.report import render_comparison
from pipeline.compare.runs import TestedRun, read_runs
from pipeline.compare.table import megabytes, print_comparison, time_taken
from tests.support.browser import CHROMIUM, chromium
from tests.support.recorded_runs import record_run
from tests.support.report_text import shown as shown_in

HOSTILE = "</title><script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202e"


def answers(count: int, wrong: Sequence[int]) -> list[bool]:
    """Return whether each of `count` samples is right: all but `wrong`."""
    return [index not in set(wrong) for index in range(count)]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder of three runs on 100 images: 90, 70 and 88 right."""
    folder = tmp_path / "runs"
    record_run(folder / "good", answers(100, range(10)), parameters={"epochs": 30}, backbone="vgg16")
    record_run(folder / "bad", answers(100, range(30)), parameters={"learning_rate": 1e-05}, seconds=4000)
    record_run(folder / "near", answers(100, range(5, 17)))
    return folder


def compared(runs: Path, *names: str, with_latency: bool = False) -> Comparison:
    return compare(read_runs(names or ("bad", "good", "near"), runs), with_latency)


def printed(comparison: Comparison, width: int) -> str:
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115  # Lives as long as the test.
    print_comparison(console, comparison)
    return console.export_text()


# What it finds.


def test_the_best_comes_first_and_each_is_tested_against_it(runs: Path) -> None:
    found = compared(runs)
    assert [run.name for run in found.runs] == ["good", "near", "bad"]
    near, bad = found.against_best
    assert (near.only_first, near.only_second, bad.only_first, bad.only_second) == (7, 5, 20, 0)
    assert near.difference == pytest.approx(-0.02)
    assert bad.interval_95[0] < bad.difference < bad.interval_95[1] < 0
    assert bad.difference == pytest.approx(-0.2)
    assert (near.beyond_chance, bad.beyond_chance) == (False, True)


@settings(max_examples=30)
@given(st.lists(st.lists(st.booleans(), min_size=40, max_size=40), min_size=2, max_size=4))
def test_p_values_are_those_of_the_binomial_test_of_groups_and_rise_by_holm(right: list[list[bool]]) -> None:
    pairs = paired_tests([run_of(answer) for answer in right])
    assert len(pairs) == len(right) * (len(right) - 1) // 2
    for pair in pairs:
        first, second = (np.array(right[number - 1]).reshape(20, 2).sum(axis=1) for number in (pair.first, pair.second))
        ahead, behind = int((first > second).sum()), int((first < second).sum())
        expected = binomtest(ahead, ahead + behind).pvalue if ahead + behind else 1.0
        assert pair.p == pytest.approx(expected, abs=1e-12)
        assert pair.p <= pair.p_holm <= min(1.0, len(pairs) * pair.p) + 1e-12


def run_of(right: list[bool]) -> TestedRun:
    samples = tuple((f"{index}.png", "cat") for index in range(len(right)))
    groups = tuple(f"g{index // 2}" for index in range(len(right)))
    nothing: Any = None
    return TestedRun("r", Path(), {}, "", {}, {}, samples, groups, np.array(right), nothing)


def test_what_differs_is_listed_and_what_a_run_lacks_is_a_dash(runs: Path) -> None:
    found = compared(runs)
    assert found.differing == {"epochs": ["30", "3", "3"], "learning_rate": ["–", "–", "0.00001"]}  # noqa: RUF001
    assert found.settings[0] == "epochs=30, learning_rate=–"  # noqa: RUF001


def test_the_latency_is_of_the_runs_own_network(runs: Path) -> None:
    found = compared(runs, with_latency=True)
    for run, cost in zip(found.runs, found.costs, strict=True):
        assert cost.onnx_bytes == (run.bundle / "model.onnx").stat().st_size
        assert cost.latency is not None
        assert 0 < cost.latency.median_ms <= cost.latency.p95_ms
    assert found.machine["cores"] >= 1
    assert found.costs[2].training_seconds == 4000


def test_groups_are_drawn_whole_and_said(tmp_path: Path) -> None:
    groups = [f"photo {index // 10}" for index in range(100)]
    for name, wrong in (("a", range(0)), ("b", range(10))):
        record_run(tmp_path / name, answers(100, wrong), groups)
    found = compared(tmp_path, "a", "b")
    assert found.against_best[0].interval_95[0] <= -0.2, "the ten wrong ones are one group, drawn 0, 1, 2 or more times"
    assert found.against_best[0].p == 1.0, "ten images, one vote"
    assert "100 test images are in 10 groups" in printed(found, 200)


def test_without_latency_the_same_runs_give_the_same_bytes(runs: Path, tmp_path: Path) -> None:
    texts = []
    for attempt in ("1", "2"):
        output, html = tmp_path / f"{attempt}.json", tmp_path / f"{attempt}.html"
        words = ["compare", "good", "bad", "--runs", str(runs), "--no-latency"]
        assert cli.main([*words, "--output", str(output), "--html", str(html)]) == 0
        texts.append((output.read_bytes(), html.read_bytes()))
    assert texts[0] == texts[1]
    found = json.loads(texts[0][0])
    assert (found["best"], found["test_samples"], found["runs"][0]["latency"]) == ("good", 100, None)
    assert found["pairs"][0]["p_holm"] == pytest.approx(2 / 2**20)
    low, high = found["runs"][0]["metrics"]["accuracy"]["interval"]
    assert low < 0.9 < high
    text = shown_in(tmp_path / "1.html")
    for run in found["runs"]:
        accuracy = run["metrics"]["accuracy"]
        ends = "\u2013".join(f"{100 * end:.1f}" for end in accuracy["interval"])
        assert f"{run['number']} {100 * accuracy['value']:.1f}% {ends}" in text
        assert f"{run['metrics']['macro_f1']['value']:.3f}" in text


def test_a_run_is_named_by_its_folder_too(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = record_run(tmp_path / "elsewhere" / "good", answers(100, range(40)))
    assert cli.main(["compare", "good", str(other), "--runs", str(runs), "--no-latency"]) == 0
    assert str(other) in capsys.readouterr().out, "two runs of one name are told apart by their folders"
    assert len(list(runs.glob("comparison-*.html"))) == 1


def test_figures_of_older_runs_have_the_intervals_they_had() -> None:
    found = measured({"accuracy": 0.5, "accuracy_interval_95": [0.4, 0.6], "macro_f1": 0.5, "log_loss": None})
    assert (found["accuracy"].interval, found["macro_f1"].interval, set(found)) == (
        (0.4, 0.6), None, {"accuracy", "macro_f1"},
    )  # fmt: skip


# What is refused.


def spoil_json(name: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def spoil(run: Path) -> None:
        content = json.loads((run / name).read_text())
        (run / name).write_text(json.dumps(change(content)))

    return spoil


def spoil_bytes(name: str, content: bytes | None) -> Callable[[Path], None]:
    return lambda run: (run / name).unlink() if content is None else bool((run / name).write_bytes(content)) and None


def failed_test(record: dict[str, Any]) -> dict[str, Any]:
    record["steps"][-1]["status"] = "failed"
    return record


DAMAGES = {
    "no record": (spoil_bytes("run.json", None), "no run.json"),
    "cut record": (spoil_bytes("run.json", b'{"steps": ['), "run.json"),
    "record of something else": (spoil_json("run.json", lambda found: [found]), "run.json: no JSON object"),
    "record without steps": (spoil_json("run.json", lambda found: {"parameters": {}}), "run.json: 'steps'"),
    "steps of text": (spoil_json("run.json", lambda found: found | {"steps": ["test"]}), "run.json"),
    "no dataset": (spoil_json("run.json", lambda found: found | {"steps": found["steps"][1:]}), "run.json: 'extract'"),
    "untested": (spoil_json("run.json", lambda found: found | {"steps": found["steps"][:3]}), "bad, test not there"),
    "failed": (spoil_json("run.json", failed_test), "bad, test failed"),
    "no predictions": (spoil_bytes("test/predictions.json", None), "predictions.json: No such file"),
    "no samples": (spoil_json("test/predictions.json", lambda found: []), "no samples"),
    "a sample twice": (spoil_json("test/predictions.json", lambda found: [*found, found[0]]), "or one twice"),
    "predictions of numbers": (spoil_json("test/predictions.json", lambda found: [3]), "predictions.json"),
    "names of numbers": (spoil_json("test/predictions.json", lambda f: [f[0] | {"group": 3}]), "must be text"),
    "statistics of another test": (spoil_json("test/statistics.json", lambda f: f | {"ok": 1}), "contradicts"),
    "accuracy of text": (spoil_json("test/statistics.json", lambda f: f | {"accuracy": "9"}), "statistics.json: '9'"),
    "no macro F1": (spoil_json("test/statistics.json", lambda f: f | {"macro_f1": None}), "no macro_f1"),
    "bad intervals": (spoil_json("test/statistics.json", lambda f: f | {"intervals": 3}), "statistics.json"),
    "seconds of text": (spoil_json("train/metrics.json", lambda f: f | {"seconds": "long"}), "metrics.json"),
    "no manifest": (spoil_bytes("train/bundle/bundle.json", None), "bundle.json: No such file"),
    "no network": (spoil_bytes("train/bundle/model.onnx", None), "model.onnx: No such file"),
    "another network": (spoil_bytes("train/bundle/model.onnx", b"x"), "model.onnx: sha256"),
}


@pytest.mark.parametrize(("spoil", "said"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_run_is_one_line(
    runs: Path, spoil: Callable[[Path], None], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(runs / "bad")
    assert cli.main(["compare", "good", "bad", "--runs", str(runs)]) in (1, 2)
    errors = capsys.readouterr().err
    assert said in errors
    assert errors.count("\n") == 1
    assert list(runs.glob("comparison*")) == []


def test_a_network_that_does_not_run_is_one_line(runs: Path) -> None:
    run = read_runs(["good", "bad"], runs)[0]
    (run.bundle / "model.onnx").write_bytes(b"no network")
    from components.bundle.manifest import sha256_of

    run.manifest.files["model.onnx"] = sha256_of(run.bundle / "model.onnx")
    with pytest.raises(DataError, match="must run on its golden images"):
        measure_latency(run.bundle, run.manifest)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["good"], "two runs or more"),
        (["good", "good"], "each run once"),
        (["good", "absent"], "no run.json in it"),
        (["good", "../../etc"], "no run.json in it"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(runs: Path, names: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_runs(names, runs)


def test_another_dataset_and_another_test_set_are_refused_and_both_named(runs: Path) -> None:
    record_run(runs / "other_data", answers(100, []), fingerprint="77" * 32)
    with pytest.raises(
        DataError, match=r"one dataset. Received: good and other_data with fingerprints 5c5c.* and 7777"
    ):
        read_runs(["good", "near", "other_data"], runs)
    record_run(runs / "other_split", answers(100, []), names=[f"{index:04}.png" for index in range(2, 102)])
    with pytest.raises(
        DataError, match=r"good and other_split, which differ in 0000.png, 0001.png, 0100.png, 0101.png \(4"
    ):
        read_runs(["good", "other_split"], runs)


# How it looks.


@pytest.mark.parametrize("width", [50, 60, 80])
def test_the_table_is_whole_on_a_narrow_terminal(runs: Path, width: int) -> None:
    text = printed(compared(runs, with_latency=True), width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    for words in ("90.0%", "82.6–94.5", "-20.0", "p<0.001", "1.11 h", "good leads with 90 of 100"):  # noqa: RUF001
        assert words in text
    assert "Holm's correction over 3 pairs" in re.sub(r"\s+", " ", text)


def test_equal_runs_lead_together(tmp_path: Path) -> None:
    for name in ("a", "b"):
        record_run(tmp_path / name, answers(10, [1]))
    found = compared(tmp_path, "a", "b")
    assert "a and b lead with 9 of 10" in printed(found, 200)
    assert (found.against_best[0].p, found.against_best[0].p_holm) == (1.0, 1.0)


def test_quantities_are_short() -> None:
    assert [time_taken(seconds) for seconds in (0, 59.9, 60, 3599, 7200)] == [
        "0.00 s", "59.9 s", "1.00 min", "60.0 min", "2.00 h",
    ]  # fmt: skip
    assert [megabytes(count) for count in (5_000, 14_200_000, 528_000_000)] == ["0.01 MB", "14.2 MB", "528 MB"]


def hostile(tmp_path: Path) -> str:
    for name, wrong in (("a", range(3)), ("b", range(9))):
        parameters = {"annotations_uri": name + HOSTILE, "x" * 300: name * 5000}
        record_run(tmp_path / name, answers(40, wrong), parameters=parameters, backbone=HOSTILE)
    return render_comparison(compared(tmp_path, "a", "b"), {HOSTILE: HOSTILE})


def test_hostile_names_are_inert(tmp_path: Path) -> None:
    html = hostile(tmp_path)
    assert "<script" not in html
    assert "<img" not in html
    assert "\u202e" not in html
    assert "default-src 'none'" in html
    assert len(html) < 60_000


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_a_browser_draws_it_without_anything_running_over_the_edge(runs: Path, tmp_path: Path) -> None:
    pages = {"plain": render_comparison(compared(runs, with_latency=True), {}), "hostile": hostile(tmp_path / "h")}
    with chromium() as browser:
        for name, html in pages.items():
            page = tmp_path / f"{name}.html"
            page.write_text(html, encoding="utf-8")
            for width, dark in ((1280, False), (390, True)):
                tab = browser.tab(width=width, dark=dark)
                tab.open(page)
                assert tab.evaluate("document.documentElement.scrollWidth") <= width
                assert tab.evaluate("document.querySelectorAll('h1').length") == 1
                background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
                assert background == ("rgb(20, 24, 28)" if dark else "rgb(255, 255, 255)")
                assert tab.complaints() == []
                assert {url for url in tab.requests() if not url.startswith("file:")} == set()


def test_the_report_draws_what_the_figures_say(runs: Path) -> None:
    html = render_comparison(compared(runs), {})
    places = [float(place) for place in re.findall(r'<u style="left: ([\d.]+)%">', html)]
    assert len(places) == 12, "four figures of three runs"
    accuracy = places[:3]
    assert accuracy[0] > accuracy[1] > accuracy[2]
    assert all(0 <= place <= 100 for place in places)
    assert "less is better" in html
    assert html.count("worse beyond chance") == 1
    assert as_json(compared(runs))["pairs"][1]["beyond_chance"] is True
