"""A shard of the feature cache: whatever bit flips in it, it is found, or what is read is what was written."""

from pathlib import Path

import numpy as np

from components.features.shard import BadShard, open_shard, write_shard
from tests.support.flips import flipped

FEATURES = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
NAMES = [f"{number:064x}" for number in (3, 1, 2)]


def test_every_flipped_bit_of_a_shard_is_found_or_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "shard.parquet"
    write_shard(path, "k", NAMES, FEATURES)
    found = 0
    for damaged in flipped(path.read_bytes(), step=13):
        path.write_bytes(damaged)
        try:
            with path.open("rb") as file:
                rows = open_shard(file, "k", 4).wanted(set(NAMES))
        except BadShard:
            found += 1
        else:
            assert [name for name, _ in rows] == NAMES
            np.testing.assert_array_equal([row for _, row in rows], FEATURES)
    assert found > 200
