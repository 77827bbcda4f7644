"""Class folders: what becomes a class, and what does not."""

import pytest

from components.extract.formats.folders import read_folders
from components.step.errors import DataError
from tests.support.annotation_files import assert_one_line


def test_folders_take_the_first_folder_as_the_label_and_count_what_they_ignore() -> None:
    names = [
        "cat/a.png",
        "cat/deep/b.JPEG",
        "dog/c.webp",
        "top.png",
        "cat/notes.txt",
        "cat/.hidden.png",
        "dog/.DS_Store",
    ]
    found = read_folders(names)
    assert [(a.file_name, a.label) for a in found.annotations] == [
        ("cat/a.png", "cat"),
        ("cat/deep/b.JPEG", "cat"),
        ("dog/c.webp", "dog"),
    ]
    assert found.notes == ["4 files that are no images in a class folder were ignored."]
    assert read_folders(["cat/a.bmp"]).notes == []


@pytest.mark.parametrize("name", ["../a.png", "cat/../../a.png", "/cat/a.png", "cat\\x/a.png", " /a.png", "c\nt/a.png"])
def test_folders_with_hostile_names_are_refused(name: str) -> None:
    with pytest.raises(DataError) as caught:
        read_folders([name])
    assert_one_line(caught.value)
