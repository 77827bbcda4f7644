"""What the benchmarks say of two things measured several times, and of the machine."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.measure import level, over, vectors

RATES = st.lists(st.floats(1, 1000), min_size=1, max_size=5)


@given(RATES, RATES)
def test_level_is_whatever_the_spread_leaves_open_and_the_order_does_not_matter(ours, theirs):
    surely_different = max(ours) < min(theirs) or max(theirs) < min(ours)
    assert level(ours, theirs) is level(theirs, ours) is not surely_different
    assert over(ours, theirs).endswith(", level") is not surely_different


def test_a_ratio_is_that_of_medians():
    assert over([30, 10, 20], [10, 9, 8]) == "2.22, level"
    assert over([30, 11, 20], [10, 9, 8]) == "2.22"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("flags\t\t: fpu sse2 avx avx2 avx512f avx512_bf16", "vectors of 512 bits, bfloat16"),
        ("flags\t\t: fpu sse2 avx avx2", "vectors of 256 bits"),
        ("processor\t: 0\nFeatures\t: fp asimd", "vectors of 128 bits"),
        ("processor\t: 0", "vectors unknown"),
    ],
)
def test_the_width_of_the_vectors_is_the_widest_that_the_processor_says(flags: str, said: str, tmp_path: Path):
    (tmp_path / "cpuinfo").write_text(f"{flags}\nbugs\t: none\n")
    assert vectors(tmp_path / "cpuinfo") == said
