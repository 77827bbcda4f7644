"""Peak memory of the train step on TrashNet ten times over: each image once as it is and nine times with noise."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.measure import machine, table
from benchmarks.steps import folders, split, train

COPIES = 10
MAX_MIB = 2048


def memory_page(data: Path, folder: Path, _: int) -> tuple[str, bool]:
    """Return the table and whether memory stayed below the target."""
    sizes = {"TrashNet": 1, f"TrashNet x {COPIES}": COPIES}
    rows, held = [], True
    for name, copies in sizes.items():
        (folder / name).mkdir()
        count = _write_noisy(data / "trashnet", folder / name / "images", copies)
        task = folders(folder / name / "images", folder / name)
        split(task)
        cold, warm = train(task, "cold"), train(task, "warm")
        rows.append([name, count, f"{cold.peak:.0f}", f"{cold.seconds:.0f}", f"{warm.peak:.0f}", f"{warm.seconds:.1f}"])
        held &= max(cold.peak, warm.peak) < MAX_MIB
    header = ["", "images", "peak, MiB", "seconds", "peak with warm cache, MiB", "seconds with warm cache"]
    text = f"`python -m benchmarks.train --only train-memory` on {machine()} Target: less than {MAX_MIB} MiB."
    return f"{text}\n\n{table(header, rows)}", held


def _write_noisy(source: Path, target: Path, copies: int) -> int:
    """Write each image of `source` `copies` times below `target`, the first unchanged; return how many."""
    tasks = [(path, target / path.parent.name, copy) for path in source.glob("*/*") for copy in range(copies)]
    for label in {folder for _, folder, _ in tasks}:
        label.mkdir(parents=True)
    with ThreadPoolExecutor() as pool:
        return sum(pool.map(_write_one, *zip(*tasks, strict=True)))


def _write_one(path: Path, folder: Path, copy: int) -> int:
    data = path.read_bytes()
    if copy:
        with Image.open(io.BytesIO(data)) as image:
            pixels = np.asarray(image.convert("RGB"), np.int16)
        noise = np.random.default_rng([copy, len(data)]).integers(-8, 9, pixels.shape)
        buffer = io.BytesIO()
        Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=90)
        data = buffer.getvalue()
    (folder / f"{path.stem}-{copy}.jpg").write_bytes(data)
    return 1
