"""What a champion was trained on: whatever bit flips in it, it is refused in one line, or what is read is the same."""

from pathlib import Path

import numpy as np

from components.dataset.samples import Sample
from components.promote.trained_on import read_seen, seen, write_seen
from tests.support.flips import read_where_not_refused

SAMPLES = [Sample(f"{i}.png", "ab"[i % 2], f"group {i}", f"{i * 7:064x}", 3, 4) for i in range(8)]


def test_every_flipped_bit_is_refused_or_changes_nothing(tmp_path: Path) -> None:
    path, expected = tmp_path / "seen.npz", seen(SAMPLES)
    write_seen(path, expected)
    for found in read_where_not_refused(path, read_seen, step=3):
        np.testing.assert_array_equal(found.images, expected.images)
        np.testing.assert_array_equal(found.groups, expected.groups)
