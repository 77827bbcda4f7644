"""Pawline and what attackers send: each file answered as it deserves, how fast, and what memory it leaves behind."""

import sys
import time
import urllib.request
from pathlib import Path

from benchmarks.measure import machine, table
from benchmarks.serve_contestants import PAWLINE, Running, running
from tests.support.hostile_images import Sent, hostile_images
from tests.support.serving import answer_to

SLOWEST_SECONDS = 1.0
GROWTH_MIB = 64


def hostile_page(bundle: Path, photos: list[bytes]) -> tuple[str, bool]:
    """Return the section, and whether its targets are held."""
    images = hostile_images()
    print(f"hostile: {len(images)} files", file=sys.stderr, flush=True)
    with running(PAWLINE, "defaults", bundle, photos[0]) as server:
        for photo in photos:
            server.probabilities(photo)
        before = server.memory_mib()
        took = {image.name: _answered(server, image) for image in images}
        growth = server.memory_mib() - before
        peak = server.peak_rss_mib()
        server.probabilities(photos[0])
    wrong = [name for name, (_, right) in took.items() if not right]
    slowest = max(took, key=lambda name: took[name][0])
    seconds = took[slowest][0]
    rows = [
        ("files", str(len(images)), "200 at least", len(images) >= 200),
        ("answered with another status than they deserve", str(len(wrong)), "0", not wrong),
        ("slowest answer, s", f"{seconds:.2f} ({slowest})", f"under {SLOWEST_SECONDS:.0f}", seconds < SLOWEST_SECONDS),
        ("memory grown, MiB", f"{growth:.0f}", f"under {GROWTH_MIB}", growth < GROWTH_MIB),
        ("most memory of the process, MiB", f"{peak:.0f}", "under 400", peak < 400),
    ]
    text = table(["", "measured", "wanted", "held"], [(*texts, "yes" if held else "**no**") for *texts, held in rows])
    intro = f"`make bench-serve` on {machine()} The files of tests/support/hostile_images.py, one by one to `/predict`."
    return f"{intro}\n\n{text}", all(held for *_, held in rows)


def _answered(server: Running, image: Sent) -> tuple[float, bool]:
    """Return the seconds until the answer, and whether its status is right."""
    began = time.perf_counter()
    status, _ = answer_to(urllib.request.Request(server.url, image.body, {"Content-Type": "image/jpeg"}))
    return time.perf_counter() - began, status in ((200, 422) if image.status is None else (image.status,))
