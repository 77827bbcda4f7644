"""What the serving benchmark computes by itself: which targets are held, and what it reads from the generators."""

import os
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.serve_contestants import PAWLINE, PEERS_OF_PAWLINE, Contestant, running, tree
from benchmarks.serve_environments import PEERS, locked_version
from benchmarks.serve_load import PHOTO_BYTES, Load, write_photos
from benchmarks.serve_neighbour import BEFORE, PEER, busy, neighbour_table
from benchmarks.serve_neighbour import holds as neighbour_holds
from benchmarks.serve_overload import Watched, _rows
from benchmarks.serve_rounds import tuned
from benchmarks.serve_tables import LEAN, holds, page
from tests.support.generated_images import encoded
from tests.support.serving import colour_bundle


def measured(rate=100.0, p99=50.0, refused=0, ready=1.0, peak=300.0, difference=1e-6):
    loads = {f"at {concurrency}": [Load(rate, 20.0, p99, refused, 0)] for concurrency in (1, 8, 32)}
    return loads | {
        "ready": [ready],
        "peak": [peak],
        "difference": [difference],
        "memory": [200.0],
        "processor at 8": [8.0],
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
    settings = {
        contestant.name: dict.fromkeys(["at 1", "at 8", "at 32", LEAN], next(iter(contestant.settings)))
        for contestant in (PAWLINE, *PEERS_OF_PAWLINE)
    }
    text = page([PAWLINE, *PEERS_OF_PAWLINE], settings, results, 1)
    for peer in PEERS_OF_PAWLINE:
        assert f"| {peer.name} {locked_version(peer.peer, peer.package)} |" in text


def test_a_difference_within_the_spread_is_called_level_and_held():
    ours, peer = measured(100), PEERS_OF_PAWLINE[0]
    for rate, level in ((101.0, True), (130.0, False)):
        ours["at 8"] = [Load(value, 20.0, 50.0, 0, 0) for value in (99.0, 100.0, 102.0)]
        results = everyone(ours, **{peer.peer: measured(95)}) | {peer.name: measured(95)}
        results[peer.name]["at 8"] = [Load(rate, 20.0, 50.0, 0, 0)] * 3
        assert holds(results) is level
        settings = {name: dict.fromkeys(["at 1", "at 8", "at 32", LEAN], "x") for name in results}
        text = page([PAWLINE, *PEERS_OF_PAWLINE], settings, results, 3)
        assert (f"| {rate:.0f} ({rate:.0f} to {rate:.0f}), level |" in text) is level
        assert ("0.99, level" in text) is level


def test_each_figure_is_measured_in_the_setting_that_is_best_for_it(monkeypatch):
    trials = {
        "1 process, 2 threads": {"at 1": 9.0, "at 8": 10.0, "at 32": 10.0, LEAN: 100.0},
        "2 processes, 2 each": {"at 1": 8.0, "at 8": 20.0, "at 32": 10.0, LEAN: 200.0},
        "2 processes, 1 thread each": {"at 1": 7.0, "at 8": 10.0, "at 32": 30.0, LEAN: 190.0},
    }

    @contextmanager
    def running(contestant, setting, bundle, photo):
        yield setting

    monkeypatch.setattr("benchmarks.serve_rounds.running", running)
    monkeypatch.setattr("benchmarks.serve_rounds._trial", trials.__getitem__)
    peer = Contestant("a peer", [], settings={name: {} for name in trials})
    one, several, single = trials
    assert tuned(peer, None, [b""]) == {"at 1": one, "at 8": several, "at 32": single, LEAN: one}
    assert tuned(PAWLINE, None, [b""]) == dict.fromkeys(["at 1", "at 8", "at 32", LEAN], "defaults")


def beside(ours, before, theirs):
    rounds = {PAWLINE.name: ours, BEFORE.name: before, PEER.name: theirs}
    return {name: [(rate, 8.0) for rate in rates] for name, rates in rounds.items()}


@pytest.mark.parametrize(
    ("theirs", "said", "held"),
    [([61.0, 62.0, 63.0], "0.97, level", True), ([80.0, 81.0, 82.0], "0.74", False), ([40.0, 41.0], "1.48", True)],
)
def test_beside_a_neighbour_pawline_is_at_least_level_with_the_peer(theirs, said, held):
    found = beside([58.0, 60.0, 62.0], [25.0, 25.0, 26.0], theirs)
    assert f"| 2.40 | {said} |" in neighbour_table({"one": found})
    assert neighbour_holds(found) is held


def test_neighbours_are_busy_and_gone_afterwards():
    with busy(["while True: pass"] * 2) as processes:
        assert all(process.poll() is None for process in processes)
        assert {os.getsid(process.pid) for process in processes} == {os.getsid(0)}
    assert all(process.poll() is not None for process in processes)


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has a priority of its own on Linux only")
def test_what_gave_way_is_what_is_measured_as_it_was(tmp_path, monkeypatch):
    bundle = colour_bundle(tmp_path / "bundle")
    monkeypatch.setattr("benchmarks.serve_contestants.KEPT", tmp_path)
    with running(BEFORE, "defaults", bundle, encoded(Image.new("RGB", (60, 40), "red"), "PNG")) as server:
        threads = [int(task.name) for task in Path(f"/proc/{server.pid}/task").iterdir()]
        assert {os.getpriority(os.PRIO_PROCESS, thread) for thread in threads} == {0, 10}


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
    assert tree(os.getpid())[0] == os.getpid()
