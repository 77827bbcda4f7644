"""`pawline predict`: the server's answers for files, folders and buckets; bad files are said and stop no other."""

import contextlib
import csv
import io
import json
import os
import subprocess
import sys
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.step.spreadsheets import inert
from pipeline.cli.main import main
from tests.support import generated
from tests.support.generated_images import PICTURES
from tests.support.recorded_runs import write
from tests.support.serving import CLASSES, ROOT, colour_bundle, running_server
from tests.support.small_network import small_network_bundle


def predicted(capsys: Any, *words: object, code: int = 0) -> tuple[dict[str, Any], str]:
    """Return what `pawline predict … --json` answers and what it says on stderr."""
    assert main(["predict", *map(str, words), "--json"]) == code
    printed = capsys.readouterr()
    return json.loads(printed.out), printed.err


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of pictures, one of them no picture, beside files that are none."""
    folder = tmp_path / "photos"
    generated.write_files(folder, generated.noise_images(6))
    (folder / "below").mkdir()
    (folder / "below" / "BROKEN.JPG").write_bytes(b"\xff\xd8\xff no")
    (folder / "notes.txt").write_text("no picture")
    (folder / ".DS_Store").write_bytes(b"x")
    return folder


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_the_answers_are_the_servers_to_1e_6(
    tmp_path: Path, capsys: Any, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = small_network_bundle(tmp_path / "bundle")
    files = {f"{name}.img": make() for name, make in PICTURES.items()}
    generated.write_files(tmp_path, files)
    with running_server(bundle, tmp_path / "log") as server:
        expected = {name: json.loads(server.post("/predict", data)[1]) for name, data in files.items()}
    if engine == "onnxruntime":
        there = util.find_spec
        monkeypatch.setattr(
            "components.inference.engine.find_spec", lambda name: None if name == "openvino" else there(name)
        )
    found, _ = predicted(capsys, bundle, *(tmp_path / name for name in files))
    assert found["model"] == expected[next(iter(files))]["model"]
    for answer, (name, theirs) in zip(found["predictions"], expected.items(), strict=True):
        assert answer["filename"] == str(tmp_path / name)
        assert answer["class"] == theirs["class"]
        assert answer["confidence"] == pytest.approx(theirs["confidence"], abs=1e-6)
        assert answer["probabilities"] == pytest.approx(theirs["probabilities"], abs=1e-6)


def test_a_folder_is_labelled_whole_and_a_bad_file_is_one_line(tmp_path: Path, photos: Path, capsys: Any) -> None:
    bundle = colour_bundle(tmp_path / "bundle")
    found, said = predicted(capsys, bundle, photos, code=1)
    names = [answer["filename"] for answer in found["predictions"]]
    assert names == [f"{photos}/below/BROKEN.JPG", *(f"{photos}/page{index}.png" for index in range(6))]
    broken = found["predictions"][0]
    assert broken == {"filename": f"{photos}/below/BROKEN.JPG", "error": broken["error"]}
    assert f"pawline predict: {photos}/below/BROKEN.JPG: " in said
    assert "left out: 1 file not called as images are" in said
    assert said.splitlines()[-1].startswith("pawline: error: Every file must be an image. Received: 1 of 7")


def test_lines_for_people_and_csv_for_programs(tmp_path: Path, photos: Path, capsys: Any) -> None:
    bundle = colour_bundle(tmp_path / "bundle")
    (photos / "below" / "BROKEN.JPG").unlink()
    assert main(["predict", str(bundle), str(photos)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6
    assert all(line.split()[1] in CLASSES and line.split()[0].endswith("%") for line in lines)
    assert main(["predict", str(bundle), str(photos), "--output", str(tmp_path / "out.csv")]) == 0
    assert capsys.readouterr().out == ""
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text())))
    assert [row["filename"] for row in rows] == [line.split()[2] for line in lines]
    for row in rows:
        shares = {name: float(row[f"probability {name}"]) for name in CLASSES}
        assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
        assert row["class"] == max(shares, key=lambda name: shares[name])


def test_a_run_its_id_and_last_stand_for_its_bundle(tmp_path: Path, photos: Path, capsys: Any) -> None:
    runs = tmp_path / "runs"
    colour_bundle(runs / "a" / "train" / "bundle")
    write(runs / "a" / "run.json", {"started": "2026-01-01T00:00:00+00:00"})
    (photos / "below" / "BROKEN.JPG").unlink()
    answers = [predicted(capsys, name, photos, "--runs", runs)[0] for name in ("a", "last", runs / "a")]
    assert answers[0] == answers[1] == answers[2]


def test_a_bucket_is_labelled_from_a_bundle_in_a_bucket(bucket: Any, tmp_path: Path, photos: Path, capsys: Any) -> None:
    bundle = colour_bundle(tmp_path / "bundle")
    bucket.put({f"model/{path.name}": path.read_bytes() for path in bundle.iterdir()})
    bucket.put({f"new/{path.name}": path.read_bytes() for path in photos.glob("*.png")})
    local, _ = predicted(capsys, bundle, *sorted(photos.glob("*.png")))
    remote, _ = predicted(capsys, bucket.uri("model"), bucket.uri("new"))
    one, _ = predicted(capsys, bundle, remote["predictions"][0]["filename"])
    assert one["predictions"] == remote["predictions"][:1]
    assert remote["predictions"][0]["filename"].startswith(bucket.uri("new/"))
    for here, there in zip(local["predictions"], remote["predictions"], strict=True):
        assert (here["class"], here["probabilities"]) == (there["class"], there["probabilities"])


def test_a_store_that_is_gone_ends_it_and_leaves_no_output(
    proxy: Any, bucket: Any, tmp_path: Path, capsys: Any
) -> None:
    bundle = colour_bundle(tmp_path / "bundle")
    bucket.put({f"new/{index}.png": b"x" for index in range(50)})
    proxy.plan = lambda request: "403" if request.path.endswith(".png") else None
    assert main(["predict", str(bundle), bucket.uri("new"), "--output", str(tmp_path / "out.csv")]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) <= 6
    assert said[-1].startswith("pawline: error: The S3 store at http://127.0.0.1:")
    assert not (tmp_path / "out.csv").exists()
    assert main(["predict", str(bundle), bucket.uri("new"), "--json"]) == 1
    printed = json.loads(capsys.readouterr().out)
    assert printed["error"].startswith("The S3 store at http://127.0.0.1:")
    assert len(printed["predictions"]) < 50


@pytest.mark.parametrize("form", ["--json", "--csv"])
def test_a_terminal_shows_lines_for_programs_whole(tmp_path: Path, photos: Path, form: str) -> None:
    """There, standard output and standard error are one."""
    bundle = colour_bundle(tmp_path / "bundle")
    command = [sys.executable, "-m", "pipeline.cli", "predict", str(bundle), str(photos), form]
    shown = on_a_terminal(command).replace("\r\n", "\n")
    program, _, said = shown.partition("\r\x1b[Kleft out: 1 file")
    if form == "--json":
        assert len(json.loads(program)["predictions"]) == 7
    else:
        assert [len(row) for row in csv.reader(io.StringIO(program))] == [4 + len(CLASSES)] * 8
    assert "BROKEN.JPG: is not a readable" in said


def on_a_terminal(command: list[str]) -> str:
    """Return what `command` shows on a terminal."""
    ours, its = os.openpty()
    with subprocess.Popen(command, cwd=ROOT, stdin=its, stdout=its, stderr=its, env=os.environ | {"TERM": "xterm"}):
        os.close(its)
        shown = b""
        with contextlib.suppress(OSError):  # Linux says so at the end.
            while more := os.read(ours, 65_536):
                shown += more
    os.close(ours)
    return shown.decode()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["{bundle}", "{photos}/none"], 1, "The images must be there"),
        (["{bundle}", "{photos}/empty"], 1, "There must be an image"),
        (["{bundle}", "ftp://x/y"], 2, "A store must be s3://"),
        (["{bundle}", "{photos}", "--output", "x.xlsx"], 2, "form of --output"),
        (["{photos}", "{photos}"], 1, "bundle.json"),
        (["models:/pawline", "{photos}"], 2, "models:/name@alias"),
        (["last", "{photos}"], 2, "has none"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    tmp_path: Path, photos: Path, words: list[str], code: int, said: str, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (photos / "empty").mkdir()
    places = {"bundle": colour_bundle(tmp_path / "bundle"), "photos": photos}
    assert main(["predict", *(word.format(**places) for word in words)]) == code
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""


def test_a_link_that_leads_out_of_a_folder_is_not_followed_and_one_named_is(
    tmp_path: Path, photos: Path, capsys: Any
) -> None:
    bundle = colour_bundle(tmp_path / "bundle")
    (tmp_path / "secret.png").write_bytes(next(photos.glob("*.png")).read_bytes())
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "out.png").symlink_to(tmp_path / "secret.png")
    (tmp_path / "links" / "in.png").write_bytes((tmp_path / "secret.png").read_bytes())
    found, said = predicted(capsys, bundle, tmp_path / "links")
    assert [Path(answer["filename"]).name for answer in found["predictions"]] == ["in.png"]
    assert f"left out: {tmp_path}/links/out.png is a link that leads out of the folder" in said
    assert "class" in predicted(capsys, bundle, tmp_path / "links" / "out.png")[0]["predictions"][0]


NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(st.sampled_from("=+-@\t\r\uff1d\uff20") | st.just(" ="), NAMES)
def test_no_cell_is_a_formula(beginning: str, rest: str) -> None:
    cell = inert(beginning + rest)
    assert cell == f"'{beginning}{rest}"


def test_a_file_called_like_a_formula_is_none_in_the_table(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    bundle, called = colour_bundle(tmp_path / "bundle"), ["=1.png", " =1.png", "\uff1d1.png", "'=1.png", "plain.png"]
    [picture] = generated.noise_images(1).values()
    generated.write_files(tmp_path / "photos", dict.fromkeys(called, picture))
    monkeypatch.chdir(tmp_path / "photos")
    assert main(["predict", str(bundle), *called, "--csv"]) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert [row[0] for row in rows[1:]] == [f"'{name}" for name in called[:-1]] + ["plain.png"]


@given(st.floats(0, 1))
def test_numbers_stay_numbers(value: float) -> None:
    assert float(inert(repr(value))) == value


def test_thousands_of_files_take_flat_memory_and_no_tensorflow(tmp_path: Path) -> None:
    bundle = colour_bundle(tmp_path / "bundle")
    [picture] = generated.noise_images(1).values()
    peaks = []
    for count in (100, 3000):
        folder = tmp_path / str(count)
        folder.mkdir()
        (folder / "0.png").write_bytes(picture)
        for index in range(1, count):
            (folder / f"{index}.png").hardlink_to(folder / "0.png")
        code = f"""
import resource, sys
sys.modules["tensorflow"] = sys.modules["keras"] = None
from pipeline.cli.main import main
assert main(["predict", {str(bundle)!r}, {str(folder)!r}, "--output", {str(folder)!r} + ".json"]) == 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout))
        assert len(json.loads((tmp_path / f"{count}.json").read_text())["predictions"]) == count
    assert peaks[1] - peaks[0] < 20_000, f"{peaks} KiB"


def test_probabilities_are_the_networks(tmp_path: Path, photos: Path, capsys: Any) -> None:
    from components.dataset.images import to_model_input
    from tests.support.serving import SIDE, colour_probabilities

    pictures = sorted(photos.glob("*.png"))
    found, _ = predicted(capsys, colour_bundle(tmp_path / "bundle"), *pictures)
    expected = colour_probabilities(np.stack([to_model_input(path.read_bytes(), SIDE) for path in pictures]))
    for answer, row in zip(found["predictions"], expected, strict=True):
        np.testing.assert_allclose(list(answer["probabilities"].values()), row, atol=1e-5)
