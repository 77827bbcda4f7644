"""Columns made of their buffers are those that pyarrow makes of values, without what it imports for that."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.dataset.columns import byte_strings, integers, texts

ROOT = Path(__file__).parents[2]
WRITE = """
import sys, tempfile
from pathlib import Path
from tests.support.small_datasets import SAMPLES, write
assert "pandas" not in sys.modules
with tempfile.TemporaryDirectory() as folder:
    assert write(Path(folder)).samples() == SAMPLES
print("pandas" in sys.modules)
"""


@given(st.lists(st.text()), st.lists(st.binary()), st.lists(st.integers(-(2**31), 2**31 - 1)))
def test_columns_are_those_of_pyarrow(words: list[str], data: list[bytes], numbers: list[int]) -> None:
    made = texts(words), byte_strings(data), integers(numbers)
    for column, expected in zip(
        made, (pa.array(words, pa.string()), pa.array(data, pa.binary()), pa.array(numbers, pa.int32())), strict=True
    ):
        column.validate(full=True)
        assert column.equals(expected)


def test_half_a_character_and_numbers_too_large_are_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        texts(["\ud800"])
    with pytest.raises(OverflowError):
        integers([2**31])


def test_writing_and_reading_a_dataset_imports_no_pandas() -> None:
    done = subprocess.run([sys.executable, "-c", WRITE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
