"""What the serving benchmark computes by itself: which targets are held, and what it reads from the generators."""

import pytest

from benchmarks.serve_contestants import PAWLINE, PEERS_OF_PAWLINE, tree
from benchmarks.serve_environments import PEERS, locked_version
from benchmarks.serve_load import PHOTO_BYTES, Load, write_photos
from benchmarks.serve_overload import Watched, _rows
from benchmarks.serve_tables import holds, page


def measured(rate=100.0, p99=50.0, refused=0, ready=1.0, peak=300.0, difference=1e-6):
    loads = {f"at {concurrency}": [Load(rate, 20.0, p99, refused, 0)] for concurrency in (1, 8, 32)}
    return loads | {
        "ready": [ready],
        "peak": [peak],
        "difference": [difference],
        "memory": [200.0],
        "processor": [8.0],
    }


def everyone(ours, **peers):
    return {PAWLINE.name: ours} | {peer.name: peers.get(peer.peer, measured(90)) for peer in PEERS_OF_PAWLINE}


@pytest.mark.parametrize(
    ("changed", "held"),
    [
        ({}, True),
        ({"rate": 89}, False),
        ({"p99": 61}, False),
        ({"refused": 1}, False),
        ({"ready": 3.1}, False),
        ({"peak": 401}, False),
        ({"difference": 1e-4}, False),
    ],
    ids=str,
)
def test_a_missed_target_is_noticed(changed, held):
    assert holds(everyone(measured(**changed))) is held


def test_peers_whose_answers_are_wrong_set_no_target():
    inexact = {peer.name for peer in PEERS_OF_PAWLINE if not peer.exact}
    results = everyone(measured())
    assert inexact
    assert holds(results | {name: measured(1000, difference=1e-2) for name in inexact})
    assert not holds(results | {PEERS_OF_PAWLINE[0].name: measured(1000)})


def test_the_page_names_every_server_with_its_version():
    results = everyone(measured())
    settings = {contestant.name: next(iter(contestant.settings)) for contestant in (PAWLINE, *PEERS_OF_PAWLINE)}
    text = page([PAWLINE, *PEERS_OF_PAWLINE], settings, results, 1)
    for peer in PEERS_OF_PAWLINE:
        assert f"| {peer.name} {locked_version(peer.peer, peer.package)} |" in text


@pytest.mark.parametrize("peer", sorted({peer.peer for peer in PEERS_OF_PAWLINE}))
def test_every_peer_has_the_same_engine_and_decoder(peer):
    versions = {name: locked_version(peer, name) for name in ("openvino", "pillow", "numpy")}
    assert versions == {name: locked_version("fastapi_openvino", name) for name in versions}
    assert (PEERS / f"{peer}_server.py").is_file()


def test_photos_are_of_the_size_that_is_said(tmp_path):
    photos = write_photos(tmp_path)
    assert len(set(photos)) == len(list(tmp_path.iterdir())) == 18
    assert all(abs(len(photo) - PHOTO_BYTES) < PHOTO_BYTES / 10 for photo in photos)


def overload_rows(answered, live=(1.0,), memory=(100.0,), dead=0):
    rows = _rows(answered, Watched(list(live), list(memory), dead), 10, 100, 100)
    return {what: held for what, *_, held in rows if held is not None}


def test_an_overload_that_is_borne_is_told_from_one_that_is_not():
    good = [(200, 100.0)] * 99 + [(503, 1.0)] * 900 + [(429, 1.0)]
    assert set(overload_rows(good).values()) == {True}
    assert overload_rows([*good, (500, 1.0)])["answered otherwise"] is False
    assert overload_rows([(200, 5000.0)] * 100)["accepted: p99, ms"] is False
    assert overload_rows([(503, 1.0)] * 100)["accepted: p99, ms"] is False
    assert overload_rows(good, live=[1.0, 51.0])["live: slowest, ms"] is False
    assert overload_rows(good, dead=1)["live: not answered"] is False
    growing = overload_rows(good, memory=[100.0] * 10 + [200.0])
    assert growing["memory grown from the first sixth to the end, MiB"] is False


def test_a_process_is_in_its_own_tree():
    import os

    assert tree(os.getpid())[0] == os.getpid()
