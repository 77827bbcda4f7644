"""Pawline and the best peer at 8 connections while other processes want the same cores, and Pawline as it was."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.measure import level, machine, over, spread, table
from benchmarks.serve_contestants import CORES, PAWLINE, PEERS_OF_PAWLINE, Contestant, Running, running
from benchmarks.serve_environments import KEPT, python_of
from benchmarks.serve_load import load
from benchmarks.serve_rounds import TRIAL_SECONDS, say

CONNECTIONS = 8
SECONDS = 4.0
COUNTING = "while True: sum(range(10**6))"
MULTIPLYING = "import numpy as np; a = np.ones((1500, 1500), np.float32)\nwhile True: a @ a"
NEIGHBOURS: dict[str, list[str]] = {
    "none": [],
    "one process that counts": [COUNTING],
    "one for each core": [COUNTING] * CORES,
    "one that multiplies matrices, a thread for each core": [MULTIPLYING],
}
BEFORE = Contestant("Pawline giving way", ["-m", "benchmarks.serve_giving_way", "{bundle}", "--port", "{port}"])
PEER = PEERS_OF_PAWLINE[0]
# Answers a second, and processor time in ms for each
Round = tuple[float, float]
Found = dict[str, list[Round]]


def neighbour_page(bundle: Path, photos: list[bytes], repeats: int) -> tuple[str, bool]:
    """Return the section, and whether Pawline is at least level with the peer beside each neighbour."""
    python_of(PEER.peer)
    setting = _best_setting(bundle, photos)
    found = {}
    with ExitStack() as stack:
        chosen = [(PAWLINE, "defaults"), (BEFORE, "defaults"), (PEER, setting)]
        servers = {who.name: stack.enter_context(running(who, how, bundle, photos[0])) for who, how in chosen}
        for name, programs in NEIGHBOURS.items():
            say(f"neighbour: {name}")
            with busy(programs):
                found[name] = _rounds(servers, repeats)
    intro = (
        f"`make bench-serve` on {machine()} Answers a second at {CONNECTIONS} connections, the servers one after "
        f"another in each of {repeats} rounds beside the same neighbours; median (smallest to largest). {BEFORE.name} "
        f"is what it was: its network's threads at nice +10. {PEER.title} in the setting that a trial beside one busy "
        f"process for each core finds best: {setting}."
    )
    return f"{intro}\n\n{neighbour_table(found)}", all(holds(one) for one in found.values())


def neighbour_table(found: dict[str, Found]) -> str:
    """Return the table of what was `found` beside each neighbour."""
    names = (PAWLINE.name, BEFORE.name, PEER.name)
    header = ["neighbours", *names, f"over {BEFORE.name}", f"over {PEER.name}"]
    header += [f"processor, ms an answer: {PAWLINE.name}", PEER.name]
    rows = []
    for neighbour, one in found.items():
        rates = {name: [rate for rate, _ in one[name]] for name in names}
        ratios = [over(rates[PAWLINE.name], rates[other]) for other in names[1:]]
        costs = [spread([cost for _, cost in one[name]], 1) for name in (PAWLINE.name, PEER.name)]
        rows.append([neighbour, *(spread(rates[name], 0) for name in names), *ratios, *costs])
    return table(header, rows)


def holds(found: Found) -> bool:
    """Tell whether Pawline is at least level with the peer."""
    ours, theirs = ([rate for rate, _ in found[name]] for name in (PAWLINE.name, PEER.name))
    return level(ours, theirs) or min(ours) > max(theirs)


@contextmanager
def busy(programs: Sequence[str]) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Run each of `programs` meanwhile, in the session of the servers, with whom they share as equals; yield them."""
    processes = [subprocess.Popen([sys.executable, "-c", program]) for program in programs]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _best_setting(bundle: Path, photos: list[bytes]) -> str:
    rates = {}
    for setting in PEER.settings:
        with running(PEER, setting, bundle, photos[0]) as server, busy([COUNTING] * CORES):
            load(server.url, KEPT / "photos", CONNECTIONS, 1)
            rates[setting] = load(server.url, KEPT / "photos", CONNECTIONS, TRIAL_SECONDS).rate
        say(f"trial beside neighbours: {PEER.name}, {setting}: {rates[setting]:.0f} a second")
    return max(rates, key=rates.__getitem__)


def _rounds(servers: dict[str, Running], repeats: int) -> Found:
    found: Found = {name: [] for name in servers}
    for server in servers.values():
        load(server.url, KEPT / "photos", CONNECTIONS, 1)
    for number in range(repeats):
        order = list(servers)
        for name in order[number % len(order) :] + order[: number % len(order)]:
            began = servers[name].processor_seconds()
            rate = load(servers[name].url, KEPT / "photos", CONNECTIONS, SECONDS).rate
            found[name].append((rate, (servers[name].processor_seconds() - began) / (rate * SECONDS) * 1000))
    return found
