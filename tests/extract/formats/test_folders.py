"""Class folders: what becomes a class, what does not and is named, and folders of splits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.extract.bad_samples import MUST_BE_A_PATH, MUST_BE_IN_A_CLASS
from components.extract.formats.folders import read_folders
from components.step.errors import DataError
from tests.support.annotation_files import assert_one_line

TOOLS = (
    *(
        ".ipynb_checkpoints/a.jpg",
        ".Trash-1000/files/a.jpg",
        "@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg",
        "__MACOSX/cat/._a.jpg",
    ),
    *("Thumbs.db", "cat/Thumbs.db", "cat/THUMBS.DB", "cat/.ipynb_checkpoints/a.jpg", "cat/._a.jpg", ".DS_Store"),
    *("$RECYCLE.BIN/a.jpg", "System Volume Information/a.jpg", "cat/desktop.ini", "lost+found/a.jpg", "cat/~$a.jpg"),
)


def test_the_first_folder_is_the_label_whatever_a_file_in_it_is_called() -> None:
    names = ["cat/a.png", "cat/deep/b.JPEG", "dog/c.jfif", "dog/d.jpe", "dog/e", "dog/f.tif", "cat/notes.txt"]
    found = read_folders([*names, "top.png"])
    assert [(a.file_name, a.label) for a in found.annotations] == [(name, name[:3]) for name in names]
    assert (found.notes, found.bad, found.unplaced) == ([], [], ["top.png"])
    assert found.classes == {"cat", "dog"}


@pytest.mark.parametrize("name", TOOLS)
def test_hidden_files_and_those_of_tools_are_no_samples_and_are_named(name: str) -> None:
    found = read_folders(["cat/a.jpg", "dog/b.jpg", name])
    assert [a.file_name for a in found.annotations] == ["cat/a.jpg", "dog/b.jpg"]
    assert found.classes == {"cat", "dog"}
    (note,) = found.notes
    assert "no samples: " in note
    assert name.partition("/")[0] in note


@pytest.mark.parametrize(
    "name",
    [
        "../a.png",
        "cat/../../a.png",
        "/cat/a.png",
        "cat\\x/a.png",
        " /a.png",
        "c\nt/a.png",
        "cat//a.png",
        "a/\udcff.png",
    ],
)
def test_names_that_cannot_be_read_are_bad_samples_and_the_others_are_read(name: str) -> None:
    found = read_folders([name, "cat/a.png"])
    assert [a.file_name for a in found.annotations] == ["cat/a.png"]
    assert [(bad.rule, bad.sample_id) for bad in found.bad] == [(MUST_BE_A_PATH, name)]


@given(st.lists(st.text(st.sampled_from("ab./ @\\\n\udcff"), max_size=8), unique=True))
def test_every_name_is_a_sample_bad_unplaced_or_noted(names: list[str]) -> None:
    found = read_folders(names)
    told = {a.file_name for a in found.annotations} | {bad.sample_id for bad in found.bad} | set(found.unplaced)
    hidden = {name for name in names if any(p.startswith(".") and p not in (".", "..") for p in name.split("/"))}
    assert told == set(names) - hidden
    assert bool(found.notes) >= bool(hidden)


def test_space_around_the_name_of_a_class_is_said() -> None:
    found = read_folders(["cat/a.png", "cat /b.png"])
    assert {a.label for a in found.annotations} == {"cat"}
    assert "'cat '" in found.notes[0]


SPLIT = ("train/cat/a.png", "train/dog/b.png", "valid/cat/c.png", "Test/dog/d.png")


@pytest.mark.parametrize("turned", [False, True], ids=["split/class", "class/split"])
@pytest.mark.parametrize("validation", ["val", "valid", "validation", "VALID"])
def test_folders_of_splits_are_no_classes(turned: bool, validation: str) -> None:
    parts = [name.replace("valid", validation).split("/") for name in SPLIT]
    names = ["/".join([b, a, c] if turned else [a, b, c]) for a, b, c in parts]
    found = read_folders([*names, "README.txt"])
    assert [(a.label, a.split) for a in found.annotations] == [
        *(("cat", "train"), ("dog", "train"), ("cat", "validation"), ("dog", "test")),
    ]
    assert found.classes == {"cat", "dog"}
    assert all(word in found.given_split for word in ("train", validation, "Test", "cat", "dog", "hold"))


def test_what_lies_beside_the_folders_of_splits_is_bad() -> None:
    found = read_folders([*SPLIT, "train/stray.png", "extra/cat/e.png"])
    assert [(bad.rule, bad.sample_id) for bad in found.bad] == [
        (MUST_BE_IN_A_CLASS, "train/stray.png"),
        (MUST_BE_IN_A_CLASS, "extra/cat/e.png"),
    ]


@pytest.mark.parametrize(
    "names",
    [
        ["train/a.png", "bus/b.png", "car/c.png"],
        ["train/steam/a.png", "bus/b.png"],
        ["cat/train/a.png", "cat/other/b.png", "dog/c.png"],
    ],
)
def test_a_class_that_is_called_as_a_split_is_a_class(names: list[str]) -> None:
    found = read_folders(names)
    assert found.given_split == ""
    assert [a.label for a in found.annotations] == [name.partition("/")[0] for name in names]


@pytest.mark.parametrize("names", [["train/a.png", "test/b.png"], ["train/a.png", "val/b.png", "test/c.png"]])
def test_splits_without_classes_are_refused(names: list[str]) -> None:
    with pytest.raises(DataError, match="class folders") as caught:
        read_folders(names)
    assert_one_line(caught.value)


@pytest.mark.parametrize(
    "splits",
    [
        *(("training_set", "test_set"), ("train2017", "val2017"), ("img_train", "img-val"), ("Train data", "test1")),
        *(("train", "eval"), ("train", "hold-out"), ("seg_train", "seg_test"), ("Pets Train v2", "Pets Val v2")),
    ],
)
def test_folders_of_splits_are_known_by_what_people_add_to_their_names(splits: tuple[str, str]) -> None:
    found = read_folders([f"{split}/{label}/a.png" for split in splits for label in ("cat", "dog")])
    assert {annotation.label for annotation in found.annotations} == {"cat", "dog"}
    assert all(split in found.given_split for split in splits)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (
            ["pets/train/cat/a.png", "pets/test/cat/b.png"],
            "in pets (1 in all) as classes. Let images_uri end",
        ),
        (["seg_train/seg_train/sea/a.png", "seg_test/seg_test/sea/b.png"], "hold seg_test, seg_train (2 in all)"),
        (["train/train/a/b.png", "test/test/a/b.png"], "move their folders up"),
    ],
)
def test_folders_of_splits_that_lie_too_deep_are_refused(names: list[str], said: str) -> None:
    with pytest.raises(DataError, match="right under images_uri") as caught:
        read_folders(names)
    assert said in str(caught.value)
    assert_one_line(caught.value)


def test_words_that_merely_hold_a_split_are_classes() -> None:
    names = ("bullet train", "crash test", "trainer", "trains", "testate", "valley", "device", "tester", "1st", "data")
    found = read_folders([f"{name}/a/b.png" for name in names])
    assert found.classes == set(names)
    assert not found.given_split
    assert not found.notes


def test_a_class_within_another_is_noted() -> None:
    found = read_folders(["dog/cat/a.png", "dog/small/cat/b.png", "dog/dog/c.png", "cat/d.png", "cat/young/e.png"])
    assert [annotation.label for annotation in found.annotations] == ["dog", "dog", "dog", "cat", "cat"]
    assert found.notes == [
        "Folders called like another class, read as the class they lie in: dog/cat, dog/small/cat (2 in all)."
    ]


def test_a_class_that_may_be_a_split_is_noted() -> None:
    found = read_folders(["train/cat/a.png", "train/dog/b.png", "unlabeled/c.png"])
    assert found.notes == [
        "Classes that are called like a split: train (it holds the folders cat, dog (2 in all)) (1 in all)."
    ]
