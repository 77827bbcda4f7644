"""Datasets of format version 1, written by an extract of then (`first_format/`), are read for ever."""

import json
import random
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.dataset.first_format import FirstFormat
from components.dataset.samples import Sample
from components.dataset.snapshot import MANIFEST, Dataset, fingerprint, open_dataset
from components.step.errors import DataError
from components.step.files import json_text
from tests.support.flips import flipped
from tests.support.small_datasets import IMAGES, SAMPLES, write

WRITTEN = Path(__file__).parent / "first_format"
PLAIN = SAMPLES[:12]
SPLIT = [replace(s, given_split=("train", "validation", "test")[i % 3]) for i, s in enumerate(SAMPLES[:6])]


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """A copy of the one with two parts of several row groups."""
    address = fingerprint(PLAIN)
    return open_dataset(str(shutil.copytree(WRITTEN / address, tmp_path / "store" / address)))


def read_all(dataset: Dataset) -> dict[str, bytes]:
    return {sample.sample_id: image for sample, image in dataset.images(dataset.samples())}


def refusal(act: Any) -> str:
    with pytest.raises(DataError) as caught:
        act()
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.parametrize("samples", [PLAIN, SPLIT], ids=["plain", "with a given split"])
def test_it_is_read_as_it_was_written(samples: list[Sample]) -> None:
    dataset = open_dataset(str(WRITTEN / fingerprint(samples)))
    assert dataset.samples() == samples
    assert read_all(dataset) == {s.sample_id: IMAGES[s.sample_id] for s in samples}
    assert list(dataset.images(samples[5:3:-1])) == [(s, IMAGES[s.sample_id]) for s in samples[4:6]]
    assert dataset.is_whole({})


def test_extract_leaves_it_alone_where_it_is_whole_and_writes_todays_where_it_is_not(dataset: Dataset) -> None:
    store, part = Path(dataset.uri).parent, Path(dataset.uri) / dataset.content.parts[1]
    before = (Path(dataset.uri) / MANIFEST).read_bytes()
    assert isinstance(write(store, PLAIN).content, FirstFormat)
    assert (Path(dataset.uri) / MANIFEST).read_bytes() == before
    part.write_bytes(part.read_bytes()[:-1])
    again = write(store, PLAIN)
    assert not isinstance(again.content, FirstFormat)
    assert read_all(again) == {s.sample_id: IMAGES[s.sample_id] for s in PLAIN}


def older(path: Path, *without: str) -> None:
    """Make the manifest at `path` one of before it had a digest, and its parts what is named in `without`."""
    values = json.loads(path.read_text())
    del values["digest"]
    for part in values["parts"]:
        for name in without:
            del part[name]
    path.write_text(json_text(values))


@pytest.mark.parametrize("without", [(), ("blocks",)])
def test_those_of_before_there_were_digests_are_read(dataset: Dataset, without: tuple[str, ...]) -> None:
    older(Path(dataset.uri) / MANIFEST, *without)
    assert open_dataset(dataset.uri).samples() == PLAIN
    assert len(read_all(open_dataset(dataset.uri))) == 12


@pytest.mark.parametrize("name", ["digest", "blocks"])
def test_a_flipped_bit_makes_no_older_one_of_it(name: str, dataset: Dataset) -> None:
    path = Path(dataset.uri) / MANIFEST
    older(path) if name == "blocks" else None  # An older one must not become one that is older still.
    path.write_text(path.read_text().replace(f'"{name}"', f'"{name[:-1]}~"'))
    assert f"{name[:-1]}~" in refusal(lambda: open_dataset(dataset.uri))


def test_every_flipped_bit_of_the_manifest_is_refused(dataset: Dataset) -> None:
    path = Path(dataset.uri) / MANIFEST
    for damaged in flipped(path.read_bytes()):
        path.write_bytes(damaged)
        assert MANIFEST in refusal(lambda: open_dataset(dataset.uri))


@pytest.mark.parametrize(
    "described",
    [
        *('"class_names": []', '"class_names": [], "parts": 3', '"class_names": [], "parts": [{}]'),
        '"class_names": [], "parts": [{"name": "../../x"}]',
        '"class_names": [], "parts": [{"name": null}]',
        *('"class_names": 3, "parts": []', '"class_names": [["y"]], "parts": []'),
    ],
)
def test_a_damaged_manifest_ends_as_one_line(described: str, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(f'{{"format_version": 1, "fingerprint": "x", {described}}}')
    refusal(lambda: open_dataset(str(tmp_path)))


@pytest.mark.parametrize(
    "content", [None, b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1", b"{}", b"PAR1" + b"\xff" * 4 + b"PAR1"]
)
@pytest.mark.parametrize("blocks", [True, False])
def test_a_part_that_is_gone_or_none_of_ours_is_named(dataset: Dataset, content: bytes | None, blocks: bool) -> None:
    path = Path(dataset.uri) / dataset.content.parts[0]
    if not blocks:
        older(Path(dataset.uri) / MANIFEST, "blocks")
    path.unlink() if content is None else path.write_bytes(content)
    found = open_dataset(dataset.uri)
    assert path.name in refusal(found.samples)
    assert path.name in refusal(lambda: list(found.images(PLAIN)))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("blocks", [True, False])
def test_changed_bytes_in_a_part_never_give_other_samples_or_images(dataset: Dataset, seed: int, blocks: bool) -> None:
    if not blocks:
        older(Path(dataset.uri) / MANIFEST, "blocks")
    path = Path(dataset.uri) / dataset.content.parts[0]
    rng, data = random.Random(seed), bytearray(path.read_bytes())  # noqa: S311 - a repeatable choice of bytes.
    data[rng.randrange(len(data) - 3000, len(data)) if seed % 2 else rng.randrange(len(data))] ^= rng.randrange(1, 256)
    path.write_bytes(data)
    found = open_dataset(dataset.uri)
    assert not found.is_whole({})
    if blocks:
        assert "Run extract again" in refusal(lambda: read_all(found))
        return
    with suppress(DataError):
        assert read_all(found) == {s.sample_id: IMAGES[s.sample_id] for s in PLAIN}


def test_a_row_that_was_changed_is_noticed_also_without_blocks(dataset: Dataset) -> None:
    older(Path(dataset.uri) / MANIFEST, "blocks")
    path = Path(dataset.uri) / dataset.content.parts[0]
    table = pq.read_table(path)
    for change, said in (({"label": "owl"}, "unchanged"), ({"image": {"bytes": b"x", "path": ""}}, "folder/03.png")):
        rows = table.to_pylist()
        rows[3] |= change
        pq.write_table(pa.Table.from_pylist(rows, table.schema), path)
        manifest = Path(dataset.uri) / MANIFEST
        values = json.loads(manifest.read_text())
        values["parts"][0]["size"] = path.stat().st_size
        manifest.write_text(json_text(values))
        assert said in refusal(lambda: read_all(open_dataset(dataset.uri)))
