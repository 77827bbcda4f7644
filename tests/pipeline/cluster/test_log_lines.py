"""A step's own lines, out of a log of a real KFP 2.17 (its long texts cut out)."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pipeline.cluster.log_lines import own_lines

RECORDED = Path(__file__).parents[2] / "support" / "recorded_kfp" / "node-log-of-test.txt"


def test_the_launchers_lines_and_its_outputs_are_left_out() -> None:
    lines = RECORDED.read_text(encoding="utf-8").splitlines()
    own = list(own_lines(lines))
    assert len(lines) == 61
    assert [line[9:17] for line in own] == ["test    "] * 5
    assert own[-1].endswith("labels suspected: 2, near-duplicates in the other splits: 1")


@given(st.lists(st.text(st.characters(exclude_categories=["C"]), max_size=20).filter(lambda line: "]" not in line)))
def test_what_the_launcher_has_not_said_stays(lines: list[str]) -> None:
    assert list(own_lines(lines)) == [line for line in lines if not line.startswith('time="')]
