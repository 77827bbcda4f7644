"""Tables of samples: what is written is read back, another split's table is refused."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.dataset.samples import SPLITS, Sample, read_split_table, write_samples, write_split_table
from components.step.errors import DataError
from components.storage.names import check_label, check_name

SAMPLES = [
    Sample("a.png", "cat", "doc 1", "ab" * 32, 640, 480),
    Sample('b, "c".png', "=cmd|'/c calc'!A1", "👍", "cd" * 32, 1, 2),
]
HEADER = "sample_id,label,group,sha256,width,height"


def accepts(check):
    def try_it(text: str) -> bool:
        try:
            return check(text) == text
        except DataError:
            return False

    return try_it


NAMES = st.text(min_size=1, max_size=30).filter(accepts(check_name))
LABELS = st.text(min_size=1, max_size=30).filter(accepts(check_label))


def test_the_tables_are_a_contract(tmp_path: Path) -> None:
    write_samples(tmp_path / "samples.csv", SAMPLES)
    write_split_table(tmp_path / "train.csv", SAMPLES, "train")
    first = f"a.png,cat,doc 1,{'ab' * 32},640,480"
    second = f'"b, ""c"".png",=cmd|\'/c calc\'!A1,👍,{"cd" * 32},1,2'
    assert (tmp_path / "samples.csv").read_bytes().decode() == f"{HEADER}\n{first}\n{second}\n"
    assert (tmp_path / "train.csv").read_bytes().decode() == f"{HEADER},split\n{first},train\n{second},train\n"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.lists(st.builds(Sample, NAMES, LABELS, NAMES, NAMES, st.integers(1, 10**5), st.integers(1, 10**5))),
    st.sampled_from(SPLITS),
)
def test_every_legal_name_and_label_survives(tmp_path: Path, samples: list[Sample], split) -> None:
    write_split_table(tmp_path / "table.csv", samples, split)
    assert read_split_table(tmp_path / "table.csv", split) == samples


@pytest.mark.parametrize("written", SPLITS)
@pytest.mark.parametrize("wanted", SPLITS)
def test_a_mis_wired_graph_fails_at_once(written, wanted, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_split_table(path, SAMPLES, written)
    if written == wanted:
        assert read_split_table(path, wanted) == SAMPLES
        return
    with pytest.raises(DataError, match=f"must hold {wanted} samples only.*'{written}'"):
        read_split_table(path, wanted)


def test_one_row_of_another_split_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_split_table(path, SAMPLES, "train")
    path.write_text(path.read_text() + f"z.png,cat,z,{'00' * 32},1,1,test\n")
    with pytest.raises(DataError, match="train samples only"):
        read_split_table(path, "train")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        HEADER.encode(),
        b"file,label\n",
        *(
            f"{HEADER},split\n{row}\n".encode()
            for row in ("a,b", "a,cat,a,ab,1,1", "a,cat,a,ab,x,1,train", "a,cat,a,ab,,1,train")
        ),
        f'{HEADER},split\n"a,cat,a,ab,1,1,train'.encode(),
        f"{HEADER},split\n{'9' * 5000},cat,a,ab,{'9' * 5000},1,train\n".encode(),
        f"{HEADER},split\na,cat,a,ab,{'x' * 5000},1,train\n".encode(),
        b"\xff\xfe\0",
        b"PK\3\4\0",
    ],
    ids=lambda content: repr(content[-12:]),
)
def test_damaged_tables_end_as_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_bytes(content)
    with pytest.raises(DataError, match="train table") as caught:
        read_split_table(tmp_path / "table.csv", "train")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 800


def test_a_missing_table_and_a_folder_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.csv", tmp_path):
        with pytest.raises(DataError, match="train table") as caught:
            read_split_table(path, "train")
        assert str(path) in str(caught.value)
