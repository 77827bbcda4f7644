"""The table of training features: what is written is read, and nothing else passes for it."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.dataset.samples import Sample
from components.features.training_table import read_training_features, spread_rows, write_training_features
from components.step.errors import DataError
from tests.support.flips import read_where_not_refused


def sample(name, label="cat"):
    return Sample(name, label, name, "0" * 64, 4, 4)


def test_what_is_written_is_read(tmp_path):
    features = np.array([[0.5, -1.0], [1e9, 2.0], [0.25, 0.125]])
    write_training_features(tmp_path / "t", [sample("a"), sample("b", "dög")], [sample("c")], features)
    table = read_training_features(tmp_path / "t")
    assert (table.sample_ids, table.labels) == (["a", "b", "c"], ["cat", "dög", "cat"])
    assert table.splits == ["train", "train", "validation"]
    assert table.features.tolist() == [[0.5, -1.0], [65504.0, 2.0], [0.25, 0.125]]


@pytest.mark.parametrize(("count", "most"), [(0, 5), (1, 5), (5, 5), (7, 5), (10_000, 300)])
def test_rows_are_spread_evenly(count, most):
    rows = spread_rows(count, most)
    assert len(rows) == min(count, most)
    assert not count or (rows[0], rows[-1]) == (0, count - 1 if most > 1 else 0)
    assert not len(rows) > 1 or np.diff(rows).max() <= -(-count // most) + 1


COLUMNS = {"sample_id": ["a"], "label": ["x"], "split": ["train"], "features": [[1.0]]}


@pytest.mark.parametrize(
    "write",
    [
        lambda path: None,
        lambda path: path.write_bytes(b"PAR1"),
        lambda path: pq.write_table(pa.table({"sample_id": ["a"]}), path),
        lambda path: pq.write_table(pa.table(COLUMNS), path),
        lambda path: pq.write_table(
            pa.table({**COLUMNS, "features": pa.array([[float("nan")]], pa.list_(pa.float16(), 1))}), path
        ),
    ],
)
def test_anything_else_is_refused(tmp_path, write):
    write(tmp_path / "t")
    with pytest.raises(DataError, match="must be a table that train wrote"):
        read_training_features(tmp_path / "t")


def test_every_flipped_bit_is_refused_or_changes_nothing(tmp_path):
    write_training_features(tmp_path / "t", [sample("a"), sample("b", "dög")], [sample("c")], np.eye(3))
    expected = read_training_features(tmp_path / "t")
    for found in read_where_not_refused(tmp_path / "t", read_training_features, step=11):
        assert replace(found, features=0) == replace(expected, features=0)
        np.testing.assert_array_equal(found.features, expected.features)


def test_a_table_of_before_it_had_a_digest_is_read(tmp_path):
    write_training_features(tmp_path / "t", [sample("a")], [], np.array([[0.5, 1.0]]))
    pq.write_table(pq.read_table(tmp_path / "t").replace_schema_metadata(None), tmp_path / "older")
    assert read_training_features(tmp_path / "older").features.tolist() == [[0.5, 1.0]]
