"""What a champion was trained on: whatever bit flips in it, it is refused in one line, or what is read is the same."""

from pathlib import Path

import numpy as np

from components.dataset.samples import Sample
from components.promote.trained_on import read_seen, seen, write_seen
from components.step.errors import DataError
from tests.support.flips import flipped

SAMPLES = [Sample(f"{i}.png", "ab"[i % 2], f"group {i}", f"{i * 7:064x}", 3, 4) for i in range(8)]


def test_every_flipped_bit_is_refused_or_changes_nothing(tmp_path: Path) -> None:
    path, expected, found = tmp_path / "seen.npz", seen(SAMPLES), 0
    write_seen(path, expected)
    for damaged in flipped(path.read_bytes(), step=3):
        path.write_bytes(damaged)
        try:
            read = read_seen(path)
        except DataError:
            found += 1
        else:
            np.testing.assert_array_equal(read.images, expected.images)
            np.testing.assert_array_equal(read.groups, expected.groups)
    assert found > 500
