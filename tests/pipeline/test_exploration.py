"""What notebooks show and run: hostile names stay text, and a step or run that fails is an error of the cell."""

from pathlib import Path

import pytest
from PIL import Image

from components.extract.step import extract
from components.step.errors import ServiceError
from pipeline.exploration import pictures, report, run, step

HOSTILE = "<img src=x onerror=alert(1)>"


def test_images_are_shown_by_class_with_all_counts_and_names_stay_text(tmp_path: Path):
    rows = ["file,label"]
    (tmp_path / "images").mkdir()
    for number in range(5):
        Image.new("RGB", (9, 7), (40 * number, 9, 9)).save(tmp_path / "images" / f"{number}&.png")
        rows.append(f"{number}&.png,{HOSTILE if number < 3 else 'cat'}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    places = {"samples_path": tmp_path / "samples.csv", "report_path": tmp_path / "report.html"}
    summary = extract(str(tmp_path / "labels.csv"), str(tmp_path / "images"), str(tmp_path / "store"), **places)
    shown = pictures(summary.dataset_uri, per_class=2)._repr_html_()
    assert shown.count('<img src="data:image/webp') == shown.count("<img ") == 4
    assert "<b>cat</b> 2<br>" in shown
    assert "<b>&lt;img src=x onerror=alert(1)&gt;</b> 3<br>" in shown
    assert 'title="0&amp;.png"' in shown


def test_a_report_is_shown_in_a_frame_that_nothing_can_leave(tmp_path: Path):
    (tmp_path / "report.html").write_text('<p title="a">&amp;</p></iframe><script>top.x = 1</script>')
    shown = report(tmp_path / "report.html", height=50)._repr_html_()
    assert shown.startswith('<iframe sandbox="allow-scripts" ')
    assert shown.count("<") == 2
    assert "height: 50px" in shown


def test_a_step_that_fails_ends_the_cell_and_has_said_why(tmp_path: Path, capsys):
    outputs = {f"{name}_samples": tmp_path / name for name in ("train", "validation", "test")}
    with pytest.raises(ServiceError, match=r"Received: split=2\. Read what it said above\."):
        step("split", dataset_uri="nowhere", train_ratio=2, summary=tmp_path / "summary.md", **outputs)
    assert "pawline split: error: The ratios must" in capsys.readouterr().err


def test_a_run_that_fails_ends_the_cell_and_has_said_why(tmp_path: Path, capsys):
    with pytest.raises(ServiceError, match=r"Received: one=2\."):
        run("one", tmp_path, images_uri="photos", annotations_uri="photos", epochs=0)
    assert "pawline: error: " in capsys.readouterr().err
