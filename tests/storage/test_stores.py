"""The local store: names stay inside, what is read is what was listed, writes are complete or absent."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.step.addresses import file_path
from components.step.errors import DataError, PawlineError, ServiceError, UsageError
from components.storage.folder import LocalStore
from components.storage.store import EMPTY_FOLDER, LEADS_BACK, ObjectChanged, ObjectMissing, StoredObject
from components.storage.stores import open_store, read_bytes, split_uri

HOSTILE_NAMES = [
    "../secret",
    "a/../../secret",
    "/etc/passwd",
    "..",
    "",
    ".",
    "a\\..\\b",
    "a\0b",
    "x" * 10_000,
    "\ud800",
]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """A store with two files, beside a secret that is not part of it."""
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "store" / "deep").mkdir(parents=True)
    (tmp_path / "store" / "a.png").write_bytes(b"aaa")
    (tmp_path / "store" / "deep" / "é 👍.png").write_bytes(b"bb")
    return LocalStore(tmp_path / "store")


def one_line_of(error: PawlineError) -> str:
    assert str(error).isprintable()
    assert len(str(error)) < 1000
    return str(error)


def test_a_listing_names_every_file_with_its_size(store: LocalStore) -> None:
    assert sorted((found.name, found.size) for found in store.list()) == [("a.png", 3), ("deep/é 👍.png", 2)]


def test_files_are_read_downloaded_and_described(store: LocalStore, tmp_path: Path) -> None:
    assert store.read("deep/é 👍.png") == b"bb"
    store.download("a.png", tmp_path / "out" / "copy.png")
    assert (tmp_path / "out" / "copy.png").read_bytes() == b"aaa"
    with store.open("a.png") as file:
        file.seek(1)
        assert file.read() == b"aa"
    assert store.exists("a.png")
    assert not store.exists("b.png")
    assert not store.exists("deep")
    assert store.uri("a.png") == str(tmp_path / "store" / "a.png")


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_are_neither_read_nor_written(name: str, store: LocalStore, tmp_path: Path) -> None:
    for act in (
        lambda: store.read(name),
        lambda: store.open(name),
        lambda: store.exists(name),
        lambda: store.upload(name, tmp_path / "secret"),
        lambda: store.download(name, tmp_path / "copy"),
    ):
        with pytest.raises(DataError) as caught:
            act()
        one_line_of(caught.value)
    assert not (tmp_path / "copy").exists()
    assert (tmp_path / "secret").read_bytes() == b"secret"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.sampled_from(["..", ".", "", "a", "secret", "\\", "~", "store"]), max_size=6).map("/".join))
def test_no_name_leads_to_the_secret(store: LocalStore, name: str) -> None:
    with pytest.raises(DataError):
        store.read(name)


def test_a_link_that_leads_out_is_refused_and_one_that_stays_is_read(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "store" / "inside.png").symlink_to("a.png")
    (tmp_path / "store" / "outside.png").symlink_to(tmp_path / "secret")
    (tmp_path / "store" / "way_out").symlink_to(tmp_path)
    (tmp_path / "store" / "dangling.png").symlink_to("nowhere")
    assert store.read("inside.png") == b"aaa"
    for name in ("outside.png", "way_out/secret"):
        with pytest.raises(DataError, match="link must not lead out"):
            store.read(name)
    assert not [found.name for found in store.list() if found.name.startswith(("way_out", "dangling"))]


def test_a_link_to_itself_is_no_endless_story(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "store" / "loop").symlink_to("loop")
    assert "loop" not in [found.name for found in store.list()]
    with pytest.raises(PawlineError) as caught:
        store.read("loop")
    one_line_of(caught.value)


def listed(store: LocalStore) -> tuple[list[str], dict[str, str]]:
    """Return the names of the files that `store` lists, and what it says it leaves out, by name."""
    left_out: dict[str, str] = {}
    return sorted(found.name for found in store.list(left_out.__setitem__)), left_out


def test_links_inside_are_followed_and_all_else_is_named_with_its_reason(store: LocalStore, tmp_path: Path) -> None:
    root = tmp_path / "store"
    for name, target in {
        "linked": "deep",
        "deep/up": "..",
        "self": "self",
        "nowhere": "no",
        "out": tmp_path,
        "file.png": "a.png",
        "secret.png": tmp_path / "secret",
    }.items():
        (root / name).symlink_to(target)
    (root / "empty").mkdir()
    os.mkfifo(root / "pipe")
    names, left_out = listed(store)
    assert names == ["a.png", "deep/é 👍.png", "file.png", "linked/é 👍.png"]
    assert left_out == {
        "deep/up": LEADS_BACK,
        "linked/up": LEADS_BACK,
        "self": "is a link to nothing",
        "nowhere": "is a link to nothing",
        "out": "is a link that leads out of the folder",
        "secret.png": "is a link that leads out of the folder",
        "empty": EMPTY_FOLDER,
        "pipe": "is a pipe, a socket or a device",
    }
    assert all(store.read(name) for name in names)


def test_folders_that_all_link_to_each_other_are_listed_soon(store: LocalStore, tmp_path: Path) -> None:
    folders = [tmp_path / "store" / f"class{number}" for number in range(8)]
    for folder in folders:
        folder.mkdir()
        (folder / "image.png").write_bytes(b"x")
        for other in folders:
            (folder / f"to {other.name}").symlink_to(other)
    names, left_out = listed(store)
    assert {f"{folder.name}/image.png" for folder in folders} <= set(names)
    assert len(names) < 8**4
    assert LEADS_BACK in left_out.values()
    assert any("behind 3 others" in why for why in left_out.values())


def test_a_folder_that_may_not_be_listed_is_named(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def refusing(path: Path):
        if Path(path).name == "deep":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert listed(store) == (["a.png"], {"deep": "is a folder that cannot be listed: Permission denied"})


def test_a_pipe_is_not_listed_as_reading_it_would_wait_for_ever(store: LocalStore, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "store" / "pipe.png")
    assert "pipe.png" not in [found.name for found in store.list()]


@pytest.mark.parametrize("name", ["b.png", "deep", "a.png/b.png", "deep/er/b.png"])
def test_what_is_not_there_is_missing(name: str, store: LocalStore) -> None:
    with pytest.raises(ObjectMissing, match="The file must exist"):
        store.read(name)


def test_a_folder_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ObjectMissing, match="The folder must exist"):
        list(LocalStore(tmp_path / "nowhere").list())


@pytest.mark.parametrize("content", [b"aab", b"aaaa", b""])
def test_a_file_replaced_after_the_listing_is_refused(content: bytes, store: LocalStore, tmp_path: Path) -> None:
    listed = {found.name: found for found in store.list()}["a.png"]
    assert store.read("a.png", listed) == b"aaa"
    replacement = tmp_path / "replacement"
    replacement.write_bytes(content)
    os.utime(replacement, ns=(1, 1))
    replacement.replace(tmp_path / "store" / "a.png")
    with pytest.raises(ObjectChanged, match="must not change"):
        store.read("a.png", listed)


def test_a_file_of_another_size_than_listed_is_refused(store: LocalStore) -> None:
    listed = {found.name: found for found in store.list()}["a.png"]
    with pytest.raises(ObjectChanged):
        store.read("a.png", StoredObject("a.png", 4, listed.etag))


def test_uploads_make_folders_replace_files_and_leave_nothing_else(store: LocalStore, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 3_000_000)
    store.upload("new/deep/c.bin", source)
    store.upload("a.png", source)
    assert store.read("new/deep/c.bin") == store.read("a.png") == source.read_bytes()
    assert sorted(found.name for found in store.list()) == ["a.png", "deep/é 👍.png", "new/deep/c.bin"]


def test_a_store_that_cannot_be_written_says_so(store: LocalStore, tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="must be writable") as caught:
        store.upload("a.png/b.png", tmp_path / "secret")
    one_line_of(caught.value)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("/data/images", "/data/images"),
        ("file:///data/images", "/data/images"),
        ("file:///data/my%20images", "/data/my images"),
        ("file://localhost/data", "/data"),
        ("file:///data/a?b#c", "/data/a?b#c"),
        ("/data/100%25", "/data/100%25"),
    ],
)
def test_uris_stand_for_paths(uri: str, path: str) -> None:
    assert file_path(uri) == Path(path)
    assert open_store(uri).uri() == path


def test_a_relative_path_is_below_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.json").write_bytes(b"{}")
    assert read_bytes("a.json") == read_bytes("./a.json") == b"{}"
    assert open_store("images").uri() == str(tmp_path / "images")


@pytest.mark.parametrize(
    ("uri", "folder", "name"),
    [
        ("/data/a.json", "/data", "a.json"),
        ("/a.json", "/", "a.json"),
        ("file:///a.json", "/", "a.json"),
        ("file:///my%20data/my%20file.json", "/my data", "my file.json"),
        ("/data/a%20b.json", "/data", "a%20b.json"),
        ("/data/folder/", "/data", "folder"),
    ],
)
def test_a_uri_is_cut_into_store_and_name(uri: str, folder: str, name: str) -> None:
    store, cut = split_uri(uri)
    assert (store.uri(), cut) == (folder, name)


@pytest.mark.parametrize(
    "uri",
    ["", "http://host/x", "gs://bucket/x", "S3 ://x", "ftp://", "a\0b", "://", "x" * 5000 + "://y"],
)
def test_other_stores_are_bad_usage(uri: str) -> None:
    with pytest.raises(UsageError, match="s3://bucket/prefix") as caught:
        open_store(uri)
    assert len(one_line_of(caught.value)) < 400


@pytest.mark.parametrize("uri", ["file://[x]/y", "file://host/x"])
def test_a_file_uri_of_another_host_is_bad_usage(uri: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"Received: {uri}")):
        open_store(uri)


def test_a_file_is_read_by_its_uri_and_missing_ones_are_named(store: LocalStore, tmp_path: Path) -> None:
    assert read_bytes(f"file://{tmp_path}/store/a.png") == read_bytes(str(tmp_path / "store" / "a.png")) == b"aaa"
    with pytest.raises(ObjectMissing, match=r"nowhere\.json"):
        read_bytes(str(tmp_path / "nowhere.json"))
