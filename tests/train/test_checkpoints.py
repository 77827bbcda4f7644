"""Checkpoints: the same back, on disk and in S3; damaged or foreign ones are ignored; failures cost a warning."""

import time

import numpy as np
import pytest

from components.parameters.recipe import Recipe
from components.train.checkpoints import NAME, Checkpoint, Checkpoints, checkpoint_key
from tests.support.flips import flipped
from tests.support.generated import write_files

ARRAYS = {
    "network": [np.arange(6, dtype=np.float32).reshape(2, 3), np.array([1, 2], np.int64)],
    "optimizer": [np.float32(0.5) * np.ones(())],
    "best": [np.full((2, 3), np.nan, np.float32)],
}


def checkpoint(key):
    return Checkpoint({"key": key, "standing": {"phase": 1}}, ARRAYS)


def same(found):
    assert found is not None
    assert found.header["standing"] == {"phase": 1}
    assert list(found.arrays) == sorted(ARRAYS)
    for name, part in ARRAYS.items():
        for one, other in zip(found.arrays[name], part, strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)


def test_what_was_saved_comes_back_from_disk(tmp_path):
    checkpoints = Checkpoints(str(tmp_path), "k1", 300)
    assert checkpoints.load() is None
    checkpoints.save(checkpoint("k1"))
    same(checkpoints.load())
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [NAME]


@pytest.fixture(params=["disk", "s3"])
def place(request, tmp_path):
    """Where checkpoints lie, and a function that lists the keys there."""
    if request.param == "disk":
        return str(tmp_path), lambda: sorted({path.parent.name for path in tmp_path.rglob("*") if path.is_file()})
    bucket = request.getfixturevalue("bucket")
    return bucket.uri("c"), lambda: sorted({name.split("/")[1] for name in bucket.listed()})


def test_a_finished_training_goes_on_for_its_own_run_and_not_for_the_next(place, tmp_path):
    uri, keys = place
    first = Checkpoints(uri, "k1", 300, "runs/a/bundle")
    first.save(checkpoint("k1"))
    if "://" not in uri:  # As a kill leaves it.
        (tmp_path / "k1" / ".partial-x").mkdir()
        (tmp_path / "k1" / ".partial-x" / NAME).write_bytes(b"half")
    first.finish()
    # The pod is lost before the bundle has left it: another attempt, with the same place for its results.
    same(Checkpoints(uri, "k1", 300, "runs/a/bundle").load())
    assert Checkpoints(uri, "k1", 300, "runs/b/bundle").load() is None
    assert keys() == []


def test_an_unfinished_training_goes_on_whoever_began_it(place):
    uri, _ = place
    Checkpoints(uri, "k1", 300, "runs/a/bundle").save(checkpoint("k1"))
    same(Checkpoints(uri, "k1", 300, "runs/b/bundle").load())


def test_what_finished_long_ago_goes_when_another_training_ends(place, monkeypatch):
    uri, keys = place
    day = 24 * 3600.0
    now = [1000 * day]
    monkeypatch.setattr("components.train.finished.time.time", lambda: now[0])
    Checkpoints(uri, "unfinished", 300).save(checkpoint("unfinished"))
    for key, days in (("old", 6.0), ("young", 2.0), ("last", 0.0)):
        checkpoints = Checkpoints(uri, key, 300, key)
        checkpoints.save(checkpoint(key))
        checkpoints.finish()
        now[0] += days * day
    assert keys() == ["last", "unfinished", "young"]


def test_what_nobody_goes_on_with_for_a_month_goes_and_nothing_that_is_not_ours(place, bucket, tmp_path, monkeypatch):
    uri, keys = place
    abandoned, recent = "a" * 64, "b" * 64
    Checkpoints(uri, abandoned, 300).save(checkpoint(abandoned))
    for name in ("photos/finished", "photos/checkpoint"):
        write_files(tmp_path, {name: b"mine"}) if uri == str(tmp_path) else bucket.put({f"c/{name}": b"mine"})
    month = time.time() + 30 * 24 * 3600.0
    for later, there in ((-60.0, [abandoned, recent, "photos"]), (60.0, [recent, "photos"])):
        monkeypatch.setattr("components.train.finished.time.time", lambda later=later: month + later)
        ending = Checkpoints(uri, recent, 300, "x")
        ending.finish()
        assert keys() == there


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"null", b'{"results": "x", "at": "never"}', b"\xff"])
def test_a_note_that_is_not_ours_costs_neither_checkpoint_nor_training(tmp_path, content, caplog):
    checkpoints = Checkpoints(str(tmp_path), "k1", 300, "x")
    checkpoints.save(checkpoint("k1"))
    (tmp_path / "k1" / "finished").write_bytes(content)
    same(checkpoints.load())
    assert caplog.records == []


def test_a_store_that_fails_at_the_end_costs_a_warning(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    Checkpoints(str(tmp_path / "file"), "k1", 300).finish()
    assert "could not be removed" in caplog.text


def test_what_was_saved_comes_back_from_s3(bucket):
    checkpoints = Checkpoints(bucket.uri("checkpoints"), "k1", 300)
    assert checkpoints.load() is None
    checkpoints.save(checkpoint("k1"))
    same(checkpoints.load())
    assert bucket.listed() == [f"checkpoints/k1/{NAME}"]


def damaged(data, how):
    if how == "cut":
        return data[: len(data) // 2]
    if how == "bit":
        return data[:-40] + bytes([data[-40] ^ 1]) + data[-39:]
    return b"" if how == "empty" else b"x" * 300


@pytest.mark.parametrize("how", ["cut", "bit", "empty", "foreign"])
def test_a_damaged_one_is_ignored_with_one_line(tmp_path, caplog, how):
    checkpoints = Checkpoints(str(tmp_path), "k1", 300)
    checkpoints.save(checkpoint("k1"))
    path = tmp_path / "k1" / NAME
    path.write_bytes(damaged(path.read_bytes(), how))
    assert checkpoints.load() is None
    [record] = caplog.records
    assert "ignored, training starts anew" in record.getMessage()


def test_every_flipped_bit_is_found(tmp_path, caplog):
    checkpoints = Checkpoints(str(tmp_path), "k1", 300)
    checkpoints.save(checkpoint("k1"))
    path = tmp_path / "k1" / NAME
    for damaged_one in flipped(path.read_bytes(), step=31):
        path.write_bytes(damaged_one)
        assert checkpoints.load() is None


def test_one_of_another_configuration_is_ignored(tmp_path, caplog):
    Checkpoints(str(tmp_path), "k2", 300).save(checkpoint("k1"))
    assert Checkpoints(str(tmp_path), "k2", 300).load() is None
    assert "another configuration" in caplog.text


def test_a_place_that_cannot_be_written_costs_a_warning(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    Checkpoints(str(tmp_path / "file"), "k1", 300).save(checkpoint("k1"))
    assert "no checkpoint could be saved, training goes on" in caplog.text


def test_it_is_due_at_epoch_ends_and_after_its_seconds_but_costs_little(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("components.train.checkpoints.time.monotonic", lambda: now[0])
    checkpoints = Checkpoints(str(tmp_path), "k1", 60)
    assert checkpoints.due(at_epoch_end=True)
    assert not checkpoints.due(at_epoch_end=False)
    now[0] = 60.0
    assert checkpoints.due(at_epoch_end=False)
    write = checkpoints._store.upload

    def slow(name, path):
        write(name, path)
        now[0] += 2.0

    monkeypatch.setattr(type(checkpoints._store), "upload", lambda self, name, path: slow(name, path))
    checkpoints.save(checkpoint("k1"))
    assert not checkpoints.due(at_epoch_end=True)
    now[0] += 20.0
    assert checkpoints.due(at_epoch_end=True)


def test_every_input_changes_the_key():
    base = {"dataset": "a", "recipe": {"epochs": Recipe().epochs}}
    assert checkpoint_key(base) == checkpoint_key(dict(reversed(base.items())))
    assert checkpoint_key(base) != checkpoint_key({**base, "dataset": "b"})
    assert checkpoint_key(base) != checkpoint_key({**base, "recipe": {"epochs": 31}})
