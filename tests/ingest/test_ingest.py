"""Documents to images: what comes out, what is left out, what is read again, and documents that mean harm."""

import hashlib
import io
import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from components.extract.formats.label_studio import read_label_studio
from components.ingest import ingestion, taking
from components.ingest.documents import check_settings
from components.ingest.ingestion import ingest
from components.ingest.manifest import MANIFEST, documents_of, read_record
from components.ingest.step import main
from components.ingest.taking import Settings
from components.step.errors import DataError, UsageError
from components.storage.stores import open_store
from tests.support.annotation_files import assert_one_line
from tests.support.extraction import extract_arguments, run_extract
from tests.support.generated import ecotag_export, write_files
from tests.support.pdfs import content_bomb, locked_pdf, pdf, pixel_bomb

EMBEDDED = Settings("embedded", 150)
SMALL = (32, 24)
ONE, TWO = (1, SMALL), (2, SMALL)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "pdfs").mkdir()
    return tmp_path


def taken(place: Path, files: dict[str, bytes], settings: Settings = EMBEDDED):
    write_files(place / "pdfs", files)
    return ingest(str(place / "pdfs"), str(place / "out"), settings)


def images(place: Path) -> list[str]:
    return sorted(str(p.relative_to(place / "out/images")) for p in (place / "out/images").rglob("*.png"))


def command(place: Path, *more: str) -> list[str]:
    return ["--documents-uri", str(place / "pdfs"), "--destination-uri", str(place / "out"), *more]


def test_each_photo_is_an_image_and_a_last_page_that_repeats_the_first_is_not(place: Path) -> None:
    found = taken(place, {"a.pdf": pdf([ONE], [TWO], [ONE]), "b.PDF": pdf([ONE]), "notes.txt": b"no PDF"})
    assert images(place) == ["a_page0_index0.png", "a_page1_index0.png", "b_page0_index0.png"]
    assert [record.left_out for record in found.records] == [
        [(2, 0, "is the same image as index 0 of page 0")],
        [],
    ]


def test_several_photos_of_a_page_are_told_by_their_index_and_pixels_are_those_of_the_photo(place: Path) -> None:
    taken(place, {"a.pdf": pdf([ONE, TWO])})
    assert images(place) == ["a_page0_index0.png", "a_page0_index1.png"]
    photo = Image.open(io.BytesIO(pdf_photo()))
    found = np.asarray(Image.open(place / "out/images/a_page0_index0.png")).astype(int)
    assert found.shape == (24, 32, 3)
    assert np.abs(found - np.asarray(photo).astype(int)).mean() < 6  # Another JPEG decoder.


def pdf_photo() -> bytes:
    from tests.support.generated import image_bytes

    return image_bytes(1, SMALL, "JPEG")


def test_the_manifest_says_which_image_came_from_where(place: Path) -> None:
    taken(place, {"x/a.pdf": pdf([ONE], [TWO]), "y/a.pdf": pdf([ONE])})
    lines = [json.loads(line) for line in (place / "out/images" / MANIFEST).read_text().splitlines()]
    assert [(line["image"], line["document"], line["page"], line["index"]) for line in lines] == [
        ("x/a_page0_index0.png", "x/a", 0, 0),
        ("x/a_page1_index0.png", "x/a", 1, 0),
        ("y/a_page0_index0.png", "y/a", 0, 0),
    ]
    for line in lines:
        data = (place / "out/images" / line["image"]).read_bytes()
        assert line["sha256"] == hashlib.sha256(data).hexdigest()
        assert line["source_sha256"] == hashlib.sha256(Path(line["source"]).read_bytes()).hexdigest()
        assert (line["width"], line["height"]) == SMALL


def test_a_second_time_nothing_is_read_and_all_is_the_same(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"a.pdf": pdf([ONE], [TWO]), "b.pdf": pdf([TWO])}
    taken(place, files)
    before = {p: p.read_bytes() for p in (place / "out").rglob("*") if p.is_file()}
    monkeypatch.setattr(ingestion, "take", lambda *_: pytest.fail("was read again"))
    again = ingest(str(place / "pdfs"), str(place / "out"), EMBEDDED)
    assert again.kept == 2
    assert {p: p.read_bytes() for p in (place / "out").rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("what", ["another document", "an image gone", "a damaged record", "other settings"])
def test_what_is_not_as_it_was_is_read_again_and_nothing_else(
    what: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken(place, {"a.pdf": pdf([ONE]), "b.pdf": pdf([TWO])})
    if what == "another document":
        (place / "pdfs/a.pdf").write_bytes(pdf([TWO], [ONE]))
    elif what == "an image gone":
        (place / "out/images/a_page0_index0.png").unlink()
    elif what == "a damaged record":
        record = place / "out/documents/a.json"
        record.write_text(record.read_text().replace('"page": 0', '"page": 1'))
    settings = Settings("pages", 72) if what == "other settings" else EMBEDDED
    assert ingest(str(place / "pdfs"), str(place / "out"), settings).kept == (0 if what == "other settings" else 1)
    assert (place / "out/images/a_page0_index0.png").is_file()


def test_a_killed_ingest_goes_on_with_the_documents_that_are_left(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = type(open_store(str(place))).upload

    def killed(store, name, path):
        if name.startswith("documents/b"):
            raise KeyboardInterrupt
        upload(store, name, path)

    monkeypatch.setattr(type(open_store(str(place))), "upload", killed)
    with pytest.raises(KeyboardInterrupt):
        taken(place, {"a.pdf": pdf([ONE]), "b.pdf": pdf([TWO])})
    assert not (place / "out/images" / MANIFEST).exists()
    monkeypatch.undo()
    assert ingest(str(place / "pdfs"), str(place / "out"), EMBEDDED).kept == 1
    assert len(documents_of(open_store(str(place / "out/images")))) == 2


def test_pages_are_drawn_as_a_whole(place: Path) -> None:
    taken(place, {"a.pdf": pdf([ONE, TWO], [])}, Settings("pages", 144))
    assert images(place) == ["a_page0_index0.png", "a_page1_index0.png"]
    assert Image.open(place / "out/images/a_page0_index0.png").size == (400, 400)


def test_lists_for_labelling_tools_name_every_image(place: Path) -> None:
    taken(place, {"x y/a.pdf": pdf([ONE], [TWO])})
    tasks = json.loads((place / "out/label-studio-tasks.json").read_text())
    assert [task["data"]["group"] for task in tasks] == ["x y/a"] * 2
    labelled = [{**task, "annotations": [{"result": [{"value": {"choices": ["cat"]}}]}]} for task in tasks]
    assert [a.file_name for a in read_label_studio(json.dumps(labelled)).annotations] == [
        f"images/{name}" for name in images(place)
    ]
    todo = json.loads((place / "out/ecotag-tasks.json").read_text())
    assert (todo["numberAnnotationsToDo"], [one["fileName"] for one in todo["annotations"]]) == (2, images(place))


def test_extract_knows_the_groups_without_a_pattern(place: Path) -> None:
    taken(place, {"a.pdf": pdf([ONE], [TWO]), "b.pdf": pdf([(3, SMALL)], [(4, SMALL)])})
    labels = {"a_page0_index0.png": "cat", "a_page1_index0.png": "dog", "b_page0_index0.png": "dog"}
    (place / "labels.json").write_text(ecotag_export(labels))
    outcome = run_extract(extract_arguments(place, place / "labels.json", place / "out/images", place / "store"))
    assert [(s.sample_id, s.group) for s in outcome.dataset().samples()] == [(n, n[0]) for n in labels]
    assert "ingest.jsonl names 4 images of 2 documents, each a group." in outcome.stderr
    assert "1 listed file has no annotation: left out: b_page1_index0.png" in outcome.stderr


@pytest.mark.parametrize(
    "damage", [b"{}\n", b"x\n", b'{"image": "../a", "document": "a"}\n', b'{"image": "a", "document": 1}\n']
)
def test_a_damaged_manifest_is_one_line(damage: bytes, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_bytes(damage)
    with pytest.raises(DataError) as caught:
        documents_of(open_store(str(tmp_path)))
    assert_one_line(caught.value)
    assert read_record(damage) is None


BROKEN = {
    "empty": (b"", "is no PDF"),
    "text": (b"no PDF at all", "is no PDF"),
    "cut": (pdf([ONE])[:200], "is no PDF"),
    "locked": (locked_pdf(), "is encrypted"),
    "pixels": (pixel_bomb(), "holds no photo"),
    "no photo": (pdf([], []), "holds no photo"),
    "tiny photo": (pdf([(1, (5, 5))]), "holds no photo"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_document_is_named_and_the_others_are_read(
    case: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, why = BROKEN[case]
    write_files(place / "pdfs", {"bad.pdf": data, "good.pdf": pdf([ONE])})
    assert main(command(place)) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("pawline ingest: error: Every document must be a PDF that can be read. Received: 1 of 2 in ")
    assert f"bad.pdf {why}" in line
    assert images(place) == ["good_page0_index0.png"]
    assert main(command(place, "--on-bad-document", "drop")) == 0
    assert list(documents_of(open_store(str(place / "out/images")))) == ["good_page0_index0.png"]


def test_too_many_pages_are_refused_by_their_number(place: Path) -> None:
    found = taken(place, {"long.pdf": pdf(*[[]] * 10_000), "good.pdf": pdf([ONE])})
    assert found.faults == [("long.pdf", "has 10000 pages, more than the limit of 2000")]


def test_a_page_too_large_is_known_before_it_is_drawn(place: Path) -> None:
    found = taken(place, {"a.pdf": pdf([], size=(14_400, 14_400)), "b.pdf": pdf([])}, Settings("pages", 1200))
    assert found.faults == [("a.pdf", "holds no photo that can be taken")]


def test_what_grows_is_stopped_by_its_memory(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "MEMORY", 512 << 20)
    found = taken(place, {"bomb.pdf": content_bomb(700), "good.pdf": pdf([ONE])})
    assert [name for name, _ in found.faults] == ["bomb.pdf"]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import os; os.abort()", "crash (SIGABRT)"),
        ("import os; os.kill(os.getpid(), 11)", "crash (SIGSEGV)"),
        (
            'print(\'{"page": 0, "index": 0, "file": "x.png", "width": 1, "height": 1}\'); raise SystemExit(3)',
            "exit code 3",
        ),
        ("import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 2))\nwhile True: pass", "longer than 120 s"),
        ("import time; time.sleep(600)", "longer than 3 s"),
    ],
    ids=["abort", "segfault", "ends early", "computes for ever", "sleeps for ever"],
)
def test_a_crash_or_hang_of_the_library_is_a_fault_of_the_document(
    code: str, why: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "script.py").write_text(code)
    monkeypatch.setattr(taking, "document_process", SimpleNamespace(__file__=str(place / "script.py")))
    if "3 s" in why:
        monkeypatch.setattr(taking, "PATIENCE", 3)
    with pytest.raises(DataError, match=r"a\.pdf") as caught:
        taken(place, {"a.pdf": pdf([ONE])})
    assert why in str(caught.value)
    assert_one_line(caught.value)
    assert images(place) == [] if (place / "out/images").exists() else True


def test_a_script_in_a_document_is_not_run(place: Path) -> None:
    script = b"<</S/JavaScript/JS(app.alert\\(1\\); while\\(true\\){})>>"
    launch = b"<</S/Launch/F(/bin/touch)/Win<</F(calc.exe)>>>>"
    taken(place, {"js.pdf": pdf([ONE], OpenAction=script), "launch.pdf": pdf([TWO], OpenAction=launch)})
    assert images(place) == ["js_page0_index0.png", "launch_page0_index0.png"]


def test_names_that_escape_or_leave_no_room_are_named(place: Path) -> None:
    long = "x" * 245 + ".pdf"
    found = taken(place, {"a\nb.pdf": pdf([ONE]), "a\\b.pdf": pdf([ONE]), long: pdf([ONE]), "good.pdf": pdf([ONE])})
    assert [name for name, _ in found.faults] == sorted(["a\nb.pdf", "a\\b.pdf", long])
    assert all("has a name" in why for _, why in found.faults)


def test_two_documents_that_differ_in_their_suffix_alone_do_not_share_images(place: Path) -> None:
    found = taken(place, {"a.PDF": pdf([ONE]), "a.pdf": pdf([TWO])})
    assert found.faults == [("a.pdf", "is called as a.PDF is but for the suffix")]


def test_a_link_that_leads_out_and_a_pipe_are_named(place: Path) -> None:
    (place / "elsewhere.pdf").write_bytes(pdf([ONE]))
    (place / "pdfs/link.pdf").symlink_to(place / "elsewhere.pdf")
    os.mkfifo(place / "pdfs/pipe.pdf")
    found = taken(place, {"good.pdf": pdf([ONE])})
    assert [name for name, _ in found.faults] == ["link.pdf", "pipe.pdf"]


def test_without_a_document_it_says_so(place: Path) -> None:
    with pytest.raises(DataError, match=r"called \*\.pdf"):
        ingest(str(place / "pdfs"), str(place / "out"), EMBEDDED)


def test_a_document_too_large_is_not_read(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingestion, "MAX_DOCUMENT_BYTES", 5000)
    found = taken(place, {"good.pdf": pdf([ONE]), "large.pdf": pdf([(1, (200, 200))])})
    assert [(name, "more than the limit" in why) for name, why in found.faults] == [("large.pdf", True)]


@pytest.mark.parametrize(
    "settings", [Settings("", 150), Settings("Pages", 150), Settings("pages", 0), Settings("pages", 9999)]
)
def test_settings_that_are_not_legal_are_refused(settings: Settings) -> None:
    with pytest.raises(UsageError) as caught:
        check_settings(settings)
    assert_one_line(caught.value)


def test_buckets_are_read_and_written(bucket, place: Path) -> None:
    bucket.put({"pdfs/x/a.pdf": pdf([ONE], [TWO], [ONE]), "pdfs/b.pdf": locked_pdf()})
    uris = ["--documents-uri", bucket.uri("pdfs"), "--destination-uri", bucket.uri("out")]
    assert main([*uris, "--on-bad-document", "drop"]) == 0
    names = ["x/a_page0_index0.png", "x/a_page1_index0.png"]
    assert [key for key in bucket.listed() if key.startswith("out/images/x")] == [f"out/images/{n}" for n in names]
    tasks = json.loads(bucket.client.get_object(Bucket=bucket.name, Key="out/label-studio-tasks.json")["Body"].read())
    assert [task["data"]["image"] for task in tasks] == [bucket.uri(f"out/images/{name}") for name in names]
    assert ingest(bucket.uri("pdfs"), bucket.uri("out"), EMBEDDED).kept == 1
