"""extract from class folders, on disk and in S3: nothing vanishes, nothing is guessed, a given split is kept."""

import csv
import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from components.dataset.samples import SPLITS, read_split_table
from components.dataset.snapshot import fingerprint
from components.split.step import main as split
from components.test.checks import check_fit
from tests.conftest import Bucket
from tests.support import generated
from tests.support.extraction import Outcome, assert_nothing_written, assert_refused, extract_arguments, run_extract
from tests.support.fault_proxy import FaultProxy


def class_folders(*classes: str, each: int = 4, suffix: str = "png") -> dict[str, bytes]:
    names = [f"{name}/{index}.{suffix}" for name in classes for index in range(each)]
    return {name: generated.image_bytes(zlib.crc32(name.encode())) for name in names}


def extract_folders(folder: Path, files: dict[str, bytes], **options: str) -> Outcome:
    """Write `files` below `folder`/images and extract them, labels from their folders."""
    generated.write_files(folder / "images", files)
    return extract_from(folder, folder / "images", **options)


def extract_from(folder: Path, images: object, **options: str) -> Outcome:
    named = {"annotation_format": "folders", **options}
    return run_extract(extract_arguments(folder / "out", "", images, folder / "datasets", **named))


def labels_of(outcome: Outcome) -> dict[str, str]:
    return {sample.sample_id: sample.label for sample in outcome.dataset().samples()}


def assert_said(folder: Path, outcome: Outcome, *fragments: str) -> None:
    """Check that log and report both say each of `fragments`."""
    report = (folder / "out/report.html").read_text()
    for fragment in fragments:
        assert fragment in outcome.stderr
        assert fragment in report


@pytest.mark.parametrize("suffix", ["jfif", "jpe", "JPG", "tif", "", "txt", "tar.gz"])
def test_content_decides_what_is_an_image(suffix: str, tmp_path: Path) -> None:
    files = class_folders("cat", "dog") | class_folders("spoon", suffix=suffix)
    assert set(labels_of(extract_folders(tmp_path, files)).values()) == {"cat", "dog", "spoon"}


def test_what_is_not_seen_of_an_image_is_said(tmp_path: Path) -> None:
    clear = io.BytesIO()
    Image.new("RGBA", (9, 9), (0, 0, 0, 0)).save(clear, "PNG")
    outcome = extract_folders(tmp_path, class_folders("cat", "dog") | {"cat/clear.png": clear.getvalue()})
    assert outcome.code == 0
    assert_said(tmp_path, outcome, "What is wholly transparent is white to a network: cat/clear.png (1 in all).")


OTHERS = {
    "tiff": (generated.image_bytes(90, format="TIFF"), "a TIFF"),
    "gif": (generated.image_bytes(91, format="GIF"), "a GIF"),
    "heic": (b"\0\0\0\x18ftypheic" + bytes(50), "a HEIC"),
    "text": (b"notes", "is not a readable"),
    "empty": (b"", "is empty"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_file_of_a_class_folder_that_is_no_image_stops_or_is_dropped_by_name(kind: str, tmp_path: Path) -> None:
    data, said = OTHERS[kind]
    files = class_folders("cat", "dog") | {"cat/odd.jpg": data}
    assert_refused(extract_folders(tmp_path, files), 1, "cat/odd.jpg", said, "on_bad_sample=drop")
    assert_nothing_written(tmp_path / "out", tmp_path / "datasets")
    outcome = extract_from(tmp_path, tmp_path / "images", on_bad_sample="drop")
    assert len(labels_of(outcome)) == 8
    assert_said(tmp_path, outcome, "cat/odd.jpg")


@pytest.mark.parametrize("kind", OTHERS)
def test_a_class_folder_without_an_image_is_an_error_even_with_drop(kind: str, tmp_path: Path) -> None:
    files = class_folders("cat", "dog") | {"spoon/odd.jpg": OTHERS[kind][0]}
    outcome = extract_folders(tmp_path, files, on_bad_sample="drop")
    assert_refused(outcome, 1, "A class folder must hold at least one", "spoon")
    assert_nothing_written(tmp_path / "out")
    # What could be used was kept before it was known that it is not enough; nobody refers to it.
    assert all(path.parent.name == "parts" for path in (tmp_path / "datasets").rglob("*") if path.is_file())


@pytest.mark.parametrize("inside", ["", ".ipynb_checkpoints/0.png", "Thumbs.db"])
def test_a_folder_that_only_looks_full_is_an_error(inside: str, tmp_path: Path) -> None:
    (tmp_path / "images/spoon").mkdir(parents=True)
    files = class_folders("cat", "dog") | ({f"spoon/{inside}": generated.image_bytes(95)} if inside else {})
    assert_refused(extract_folders(tmp_path, files, on_bad_sample="drop"), 1, "spoon")


def test_hidden_and_tool_folders_are_named_and_their_copies_do_no_harm(tmp_path: Path) -> None:
    files = class_folders("cat", "dog")
    copies = {f"{place}/0.png": files["cat/0.png"] for place in (".ipynb_checkpoints", "@eaDir/x", "dog/.Trash-1")}
    for policy in ("fail", "drop"):
        outcome = extract_folders(tmp_path, files | copies | {"Thumbs.db": b"x"}, on_bad_sample=policy)
        assert labels_of(outcome) == {name: name[:3] for name in files}
        assert_said(tmp_path, outcome, ".ipynb_checkpoints", "@eaDir", "dog/.Trash-1", "Thumbs.db")


def test_pawlines_own_outputs_are_no_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = class_folders("cat", "dog")
    generated.write_files(
        tmp_path, files | {"runs/20260101-000000/train/tensorboard/thumbnails.png": generated.image_bytes(99)}
    )
    monkeypatch.chdir(tmp_path)
    arguments = extract_arguments(Path("runs"), "", ".", "runs/datasets", annotation_format="folders")
    first = run_extract(arguments)
    again = run_extract(arguments)
    assert labels_of(first) == labels_of(again) == {name: name[:3] for name in files}
    assert "own outputs are no samples: runs/" in again.stderr
    elsewhere = run_extract(extract_arguments(Path("."), "", ".", "store", annotation_format="folders"))
    assert labels_of(elsewhere) == labels_of(first)
    assert labels_of(run_extract(arguments)) == labels_of(first)


def test_files_beside_the_folders_stop_if_they_are_images(tmp_path: Path) -> None:
    files = class_folders("cat", "dog") | {"README.txt": b"about", "stray": generated.image_bytes(98)}
    assert_refused(extract_folders(tmp_path, files), 1, "stray is a PNG in none")
    outcome = extract_from(tmp_path, tmp_path / "images", on_bad_sample="drop")
    assert len(labels_of(outcome)) == 8
    assert_said(tmp_path, outcome, "README.txt", "stray")


def test_a_class_behind_a_link_is_read_if_it_lies_inside_and_named_if_not(tmp_path: Path) -> None:
    generated.write_files(tmp_path, class_folders("images/cat", "images/.spoons", "elsewhere"))
    (tmp_path / "images/spoon").symlink_to(".spoons")
    (tmp_path / "images/cat/up").symlink_to("..")
    inside = extract_from(tmp_path, tmp_path / "images")
    assert set(labels_of(inside).values()) == {"cat", "spoon"}
    assert_said(tmp_path, inside, "cat/up")
    (tmp_path / "images/dog").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "images/cat/x.png").symlink_to(tmp_path / "elsewhere/0.png")
    said = ("A link must not lead out of its folder", "cat/x.png", "dog is missing: it is a link that leads out")
    assert_refused(extract_from(tmp_path, tmp_path / "images"), 1, *said)
    dropped = extract_from(tmp_path, tmp_path / "images", on_bad_sample="drop")
    assert labels_of(dropped) == labels_of(inside)
    assert_said(tmp_path, dropped, "cat/x.png", "dog")


@pytest.mark.parametrize(
    ("files", "said"),
    [({}, "no file"), ({"a.png": b"x", "b.png": b"x"}, "a.png, b.png"), ({"a.json": b"{}"}, "a.json")],
)
def test_where_there_are_no_folders_nobody_is_told_to_drop(files: dict[str, bytes], said: str, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    outcome = extract_folders(tmp_path, files)
    assert_refused(outcome, 1, "a folder of images for each class", said)
    assert "drop" not in outcome.stderr


# A split that was given


def split_export() -> dict[str, bytes]:
    return class_folders("train/cat", "train/dog", each=3) | class_folders("val/cat", "val/dog", "Test/cat", "Test/dog")


def test_an_export_that_is_split_already_is_refused_with_both_levels(tmp_path: Path) -> None:
    outcome = extract_folders(tmp_path, split_export(), on_bad_sample="drop")
    assert_refused(outcome, 1, "Test, train, val", "cat, dog", "given_split=merge", "given_split=keep")
    assert_nothing_written(tmp_path / "out", tmp_path / "datasets")


def test_merged_it_has_the_classes_and_no_split(tmp_path: Path) -> None:
    outcome = extract_folders(tmp_path, split_export(), given_split="merge")
    assert {sample.given_split for sample in outcome.dataset().samples()} == {""}
    assert outcome.dataset().class_names == ["cat", "dog"]
    assert_said(tmp_path, outcome, "given split was merged", "6 in train, 8 in validation, 8 in test")


def split_tables(folder: Path, dataset_uri: str, *options: str) -> dict[str, list[str]]:
    """Split the dataset by its command; return the sample_ids of each table."""
    tables = [word for name in SPLITS for word in (f"--{name}-samples", str(folder / f"{name}.csv"))]
    summary = ["--summary", str(folder / "summary.md")]
    assert split(["--dataset-uri", dataset_uri, *tables, *summary, *options]) == 0
    return {name: [s.sample_id for s in read_split_table(folder / f"{name}.csv", name)] for name in SPLITS}


def test_kept_it_passes_split_unchanged_whatever_method_and_seed_say(tmp_path: Path) -> None:
    files = split_export()
    outcome = extract_folders(tmp_path, files, given_split="keep")
    folders = {"train": "train/", "validation": "val/", "test": "Test/"}
    expected = {name: sorted(file for file in files if file.startswith(start)) for name, start in folders.items()}
    for options in ((), ("--seed", "7"), ("--method", "stable"), ("--train-ratio", "0.5", "--test-ratio", "0.4")):
        assert split_tables(tmp_path, outcome.dataset_uri, *options) == expected
    rows = list(csv.DictReader((tmp_path / "out/samples.csv").open()))
    assert {row["given_split"] for row in rows} == set(SPLITS)
    assert_said(tmp_path, outcome, "given split is kept")


def test_the_tables_of_a_kept_split_are_of_its_dataset_to_the_steps_that_follow(tmp_path: Path) -> None:
    dataset = extract_folders(tmp_path, split_export(), given_split="keep").dataset()
    split_tables(tmp_path, dataset.uri)
    test = read_split_table(tmp_path / "test.csv", "test")
    known = check_fit(dataset.class_names, dataset, {"test": test})
    assert {sample.sample_id for sample in test} < set(known) == {s.sample_id for s in dataset.samples()}


def test_a_kept_split_is_another_dataset_and_one_without_is_as_ever(tmp_path: Path) -> None:
    files = split_export()
    kept = extract_folders(tmp_path, files, given_split="keep").dataset()
    merged = extract_from(tmp_path, tmp_path / "images", given_split="merge").dataset()
    assert kept.fingerprint != merged.fingerprint == fingerprint(merged.samples())
    assert [s.sample_id for s, _ in kept.images(kept.samples())] == sorted(files)


def test_copies_that_a_kept_split_tears_apart_are_named(tmp_path: Path) -> None:
    files = split_export()
    outcome = extract_folders(tmp_path, files | {"Test/cat/copy.png": files["train/cat/0.png"]}, given_split="keep")
    assert_said(tmp_path, outcome, "tears apart", "Test/cat/copy.png")


@pytest.mark.parametrize("missing", ["train/", "val/", "Test/"])
def test_a_split_to_keep_must_have_all_three(missing: str, tmp_path: Path) -> None:
    files = {name: data for name, data in split_export().items() if not name.startswith(missing)}
    assert_refused(extract_folders(tmp_path, files, given_split="keep"), 1, "A given split must have", "merge")


def test_a_class_absent_from_a_kept_split_is_named_by_split(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {name: data for name, data in split_export().items() if not name.startswith("val/dog")}
    outcome = extract_folders(tmp_path, files, given_split="keep")
    tables = [f"--{name}={tmp_path / name}" for name in ("train-samples", "validation-samples", "test-samples")]
    assert split(["--dataset-uri", outcome.dataset_uri, *tables, f"--summary={tmp_path / 'summary'}"]) == 1
    assert "dog absent from validation" in capsys.readouterr().err


def test_a_column_split_of_a_table_is_kept_too(tmp_path: Path) -> None:
    files = generated.noise_images(12)
    generated.write_files(tmp_path / "images", files)
    rows = [f"{name},{'cat' if i % 2 else 'dog'},{SPLITS[i // 4]}" for i, name in enumerate(files)]
    (tmp_path / "labels.csv").write_text("\n".join(["file,label,split", *rows]))
    places = (tmp_path / "labels.csv", tmp_path / "images", tmp_path / "datasets")
    assert_refused(run_extract(extract_arguments(tmp_path / "out", *places)), 1, "the column split holds")
    outcome = run_extract(extract_arguments(tmp_path / "out", *places, given_split="keep"))
    assert [len(ids) for ids in split_tables(tmp_path, outcome.dataset_uri).values()] == [4, 4, 4]


def test_no_split_to_keep_and_an_unknown_choice_are_refused(tmp_path: Path) -> None:
    files = class_folders("cat", "dog")
    assert_refused(extract_folders(tmp_path, files, given_split="keep"), 1, "images that are not split")
    assert_refused(extract_from(tmp_path, tmp_path / "images", given_split="KEEP"), 2, "given_split must be one of")


# In S3


def put(bucket: Bucket, files: dict[str, bytes]) -> None:
    bucket.put({f"images/{name}": data for name, data in files.items()})


@pytest.mark.parametrize("odd", ["/cat/x.png", "cat//x.png", "//x.png", "cat/../x.png", "cat\\x.png", "cat/x/"])
def test_a_key_that_no_path_can_have_is_one_bad_sample(odd: str, bucket: Bucket, tmp_path: Path) -> None:
    put(bucket, class_folders("cat", "dog") | {odd: generated.image_bytes(97)})
    refused = extract_from(tmp_path, bucket.uri("images"))
    assert_refused(refused, 1, "must be a path", "on_bad_sample=drop")
    assert "annotation file" not in refused.stderr
    outcome = extract_from(tmp_path, bucket.uri("images"), on_bad_sample="drop")
    assert len(labels_of(outcome)) == 8
    assert_said(tmp_path, outcome, "cannot be read by that name")


def test_an_archived_object_is_one_bad_sample(proxy: FaultProxy, bucket: Bucket, tmp_path: Path) -> None:
    put(bucket, class_folders("cat", "dog"))
    archived = lambda request: "403 archived" if "cat/0.png" in request.path and request.method == "GET" else None  # noqa: E731 - one line
    proxy.plan = archived
    assert_refused(extract_from(tmp_path, bucket.uri("images")), 1, "cat/0.png is archived", "on_bad_sample=drop")
    outcome = extract_from(tmp_path, bucket.uri("images"), on_bad_sample="drop")
    assert len(labels_of(outcome)) == 7
    assert_said(tmp_path, outcome, "cat/0.png", "is archived")


def test_a_key_in_one_unicode_form_is_found_by_an_annotation_in_the_other(bucket: Bucket, tmp_path: Path) -> None:
    put(bucket, {"e\u0301te\u0301.png": generated.image_bytes(1), "p.png": generated.image_bytes(2)})
    (tmp_path / "labels.csv").write_text("file,label\n\u00e9t\u00e9.png,cat\np.png,dog\n", encoding="utf-8")
    places = (tmp_path / "labels.csv", bucket.uri("images"), tmp_path / "datasets")
    outcome = run_extract(extract_arguments(tmp_path / "out", *places))
    assert labels_of(outcome) == {"e\u0301te\u0301.png": "cat", "p.png": "dog"}
    assert "another Unicode form" in outcome.stderr


def test_where_none_of_the_annotated_images_is_found_nobody_is_told_to_drop(pets: Path, tmp_path: Path) -> None:
    generated.write_files(tmp_path / "other", {"images/page0.png": generated.image_bytes(0)})
    places = (pets / "annotations.json", tmp_path / "other", tmp_path / "datasets")
    for policy in ("fail", "drop"):
        outcome = run_extract(extract_arguments(tmp_path / "out", *places, on_bad_sample=policy))
        assert_refused(outcome, 1, "must lie in images_uri", "page0.png", "images/page0.png")
        assert "=drop" not in outcome.stderr.splitlines()[-1]


def test_a_picture_that_would_come_out_black_is_a_bad_sample(tmp_path: Path) -> None:
    files = class_folders("cat", "dog")
    generated.write_files(tmp_path / "images", files)
    Image.fromarray(np.full((8, 8), 900, np.uint16)).save(tmp_path / "images/cat/xray.png")
    assert_refused(extract_from(tmp_path, tmp_path / "images"), 1, "cat/xray.png", "it would come out black")
