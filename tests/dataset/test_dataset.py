"""The dataset: addressed by its content, complete or absent, readable by others, damage named."""

import hashlib
import json
import os
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.dataset import writer as dataset_writer
from components.dataset.samples import Sample
from components.dataset.snapshot import MANIFEST, Dataset, fingerprint, open_dataset
from components.dataset.writer import Record, write_dataset
from components.step.errors import DataError, ServiceError
from components.step.files import json_text
from components.storage.folder import LocalStore
from tests.support.flips import flipped

COUNT = 30


def image_of(index: int) -> bytes:
    return random.Random(index).randbytes(800 + index)  # noqa: S311 — small real bytes, the same everywhere.


def sample(index: int) -> Sample:
    data = image_of(index)
    label = ("cat", "dog", "👍 <b>")[index % 3]
    return Sample(f"folder/{index:02}.png", label, f"doc {index // 2}", hashlib.sha256(data).hexdigest(), 3 + index, 4)


SAMPLES = [sample(index) for index in range(COUNT)]
IMAGES = {sample(index).sample_id: image_of(index) for index in range(COUNT)}


def records(samples: list[Sample] = SAMPLES) -> list[Record]:
    return [
        Record(s, f"s3://bucket/{s.sample_id}", "etag", len(IMAGES[s.sample_id]), lambda s=s: IMAGES[s.sample_id])
        for s in samples
    ]


def write(folder: Path, samples: list[Sample] = SAMPLES) -> Dataset:
    return open_dataset(write_dataset(str(folder), records(samples), lambda count: None))


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row groups of three images, parts of ten."""
    monkeypatch.setattr(dataset_writer, "ROW_GROUP_BYTES", 2_600)
    monkeypatch.setattr(dataset_writer, "PART_BYTES", 9_000)


def files_of(dataset: Dataset) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(Path(dataset.uri).iterdir())}


# The address


def test_the_fingerprint_is_a_contract() -> None:
    two = [Sample("b.png", "dög", "g 1", "22" * 32, 5, 6), Sample("a.png", "cat", "g 0", "11" * 32, 3, 4)]
    lines = f'["a.png", "{"11" * 32}", "cat", "g 0"]\n["b.png", "{"22" * 32}", "dög", "g 1"]\n'
    assert fingerprint(two) == hashlib.sha256(lines.encode()).hexdigest()
    assert fingerprint(two) == "7052623d625f33090049a15ea9525ee1b5a915b5f87262a161e0b0434807d2b5"


@given(st.permutations(SAMPLES))
def test_no_order_changes_the_fingerprint(shuffled: list[Sample]) -> None:
    assert fingerprint(shuffled) == fingerprint(SAMPLES)


@pytest.mark.parametrize("change", [{"sample_id": "x.png"}, {"label": "owl"}, {"group": "x"}, {"sha256": "00" * 32}])
def test_every_part_of_the_content_changes_the_fingerprint(change: dict[str, str]) -> None:
    assert fingerprint([replace(SAMPLES[0], **change), *SAMPLES[1:]]) != fingerprint(SAMPLES)
    assert fingerprint(SAMPLES[1:]) != fingerprint(SAMPLES)


def test_texts_cannot_flow_from_one_field_into_the_next() -> None:
    one, other = Sample("a", "b c", "d", "e", 1, 1), Sample("a", "b", "c d", "e", 1, 1)
    quoted = Sample('a", "e', "b", "c", "d", 1, 1)
    assert len({fingerprint([one]), fingerprint([other]), fingerprint([quoted])}) == 3


# Round trips


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    dataset = write(tmp_path)
    assert dataset.fingerprint == fingerprint(SAMPLES)
    assert dataset.uri == str(tmp_path / dataset.fingerprint)
    assert dataset.class_names == ["cat", "dog", "👍 <b>"]
    assert dataset.samples() == SAMPLES
    assert {s.sample_id: image for s, image in dataset.images(SAMPLES)} == IMAGES


def test_the_input_order_changes_nothing_at_all(tmp_path: Path) -> None:
    one, other = write(tmp_path / "one"), write(tmp_path / "other", SAMPLES[::-1])
    assert files_of(one) == files_of(other)


@pytest.mark.usefixtures("small_parts")
def test_many_parts_and_row_groups_are_one_dataset(tmp_path: Path) -> None:
    dataset = write(tmp_path)
    assert len(dataset.parts) == 3
    groups = [pq.ParquetFile(Path(dataset.uri) / part).num_row_groups for part in dataset.parts]
    assert min(groups) >= 3
    assert dataset.samples() == SAMPLES
    assert {s.sample_id: image for s, image in dataset.images(SAMPLES)} == IMAGES


@pytest.mark.usefixtures("small_parts")
@given(st.sets(st.integers(0, COUNT - 1)))
def test_each_wanted_image_comes_once(tmp_path_factory: pytest.TempPathFactory, wanted: set[int]) -> None:
    folder = tmp_path_factory.getbasetemp() / "wanted"
    chosen = [SAMPLES[index] for index in sorted(wanted, reverse=True)]
    got = list(write(folder).images(chosen))
    assert sorted(s.sample_id for s, _ in got) == sorted(s.sample_id for s in chosen)
    assert all(image == IMAGES[s.sample_id] for s, image in got)


@pytest.mark.usefixtures("small_parts")
def test_only_the_images_that_are_wanted_are_read(tmp_path: Path) -> None:
    dataset = write(tmp_path)
    for part in dataset.parts[1:]:
        (Path(dataset.uri) / part).unlink()
    assert len(list(dataset.images(SAMPLES[:3]))) == 3


def test_an_image_larger_than_a_part_is_kept_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_writer, "ROW_GROUP_BYTES", 1)
    monkeypatch.setattr(dataset_writer, "PART_BYTES", 1)
    dataset = write(tmp_path, SAMPLES[:4])
    assert len(dataset.parts) == 4
    assert dataset.samples() == SAMPLES[:4]


def test_the_writer_counts_its_samples(tmp_path: Path) -> None:
    for _ in range(2):
        counts: list[int] = []
        write_dataset(str(tmp_path), records(), counts.append)
        assert sum(counts) == COUNT


# Open to others


def test_the_columns_are_those_of_the_design(tmp_path: Path) -> None:
    dataset = write(tmp_path)
    table = pq.read_table(Path(dataset.uri) / dataset.parts[0])
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    expected = dict.fromkeys(("sample_id", "label", "group", "sha256", "source_uri", "source_etag"), pa.string())
    expected |= {"width": pa.int32(), "height": pa.int32(), "image": image}
    assert {field.name: field.type for field in table.schema} == expected
    order = ["sample_id", "label", "group", "sha256", "width", "height", "source_uri", "source_etag", "image"]
    assert table.column_names == order
    row = table.to_pylist()[0]
    assert row["image"] == {"bytes": IMAGES["folder/00.png"], "path": "folder/00.png"}
    assert (row["source_uri"], row["source_etag"]) == ("s3://bucket/folder/00.png", "etag")


def test_the_manifest_says_what_the_parts_are(tmp_path: Path) -> None:
    dataset = write(tmp_path)
    manifest = json.loads((Path(dataset.uri) / MANIFEST).read_text())
    assert set(manifest) == {"format_version", "fingerprint", "class_names", "samples", "parts", "digest"}
    assert (manifest["format_version"], manifest["samples"]) == (1, COUNT)
    for part in manifest["parts"]:
        data = (Path(dataset.uri) / part["name"]).read_bytes()
        assert (part["size"], part["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


def test_a_folder_of_parts_is_one_table_for_other_engines(tmp_path: Path, small_parts: None) -> None:
    dataset = write(tmp_path)
    table = pq.read_table([Path(dataset.uri) / part for part in dataset.parts])
    assert table.num_rows == COUNT
    assert json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]["image"] == {"_type": "Image"}


# Complete or absent


def test_the_same_dataset_is_not_written_again(tmp_path: Path) -> None:
    dataset = write(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in Path(dataset.uri).iterdir()}
    unreadable = [replace(record, read=lambda: pytest.fail("an image was read again")) for record in records()]
    assert write_dataset(str(tmp_path), unreadable, lambda count: None) == dataset.uri
    assert before == {path: path.stat().st_mtime_ns for path in Path(dataset.uri).iterdir()}


def test_a_store_that_fails_at_the_manifest_leaves_nothing_that_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = LocalStore.upload

    def failing(self: LocalStore, name: str, path: Path) -> None:
        if name == MANIFEST:
            raise ServiceError("The store must answer. Received: 503. Try again.")
        upload(self, name, path)

    with monkeypatch.context() as patched:
        patched.setattr(LocalStore, "upload", failing)
        with pytest.raises(ServiceError):
            write(tmp_path)
    address = tmp_path / fingerprint(SAMPLES)
    assert len(list(address.iterdir())) == 1, "the part is there"
    with pytest.raises(DataError, match=MANIFEST):
        open_dataset(str(address))
    assert write(tmp_path).samples() == SAMPLES


def test_an_image_that_cannot_be_read_leaves_nothing_that_opens(tmp_path: Path, small_parts: None) -> None:
    broken = records()
    broken[-1] = replace(broken[-1], read=lambda: (_ for _ in ()).throw(OSError(5, "Input/output error")))
    with pytest.raises(ServiceError):
        write_dataset(str(tmp_path), broken, lambda count: None)
    with pytest.raises(DataError):
        open_dataset(str(tmp_path / fingerprint(SAMPLES)))


# Damage


def refusal(act) -> str:
    with pytest.raises(DataError) as caught:
        act()
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000
    return str(caught.value)


def test_a_given_split_is_one_more_column_and_item_and_comes_back(tmp_path: Path) -> None:
    given = [replace(s, given_split=("train", "validation", "test")[i % 3]) for i, s in enumerate(SAMPLES)]
    dataset = write(tmp_path, given)
    assert dataset.samples() == sorted(given)
    lines = [[s.sample_id, s.sha256, s.label, s.group, s.given_split] for s in sorted(given)]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    assert dataset.fingerprint == hashlib.sha256(text.encode()).hexdigest() != fingerprint(SAMPLES)
    names = [pq.read_schema(Path(d.uri) / d.parts[0]).names for d in (dataset, write(tmp_path))]
    assert names[0] == [*names[1], "given_split"]


def test_a_given_split_that_is_none_is_refused(tmp_path: Path) -> None:
    dataset = write(tmp_path, [replace(s, given_split="holdout") for s in SAMPLES])
    with pytest.raises(DataError, match="given_split 'holdout'"):
        dataset.samples()


def read_all(dataset: Dataset) -> list[tuple[Sample, bytes]]:
    return list(dataset.images(dataset.samples()))


def test_no_dataset_at_all_is_named(tmp_path: Path) -> None:
    assert str(tmp_path / "none") in refusal(lambda: open_dataset(str(tmp_path / "none")))


def test_every_flipped_bit_of_the_manifest_is_refused_and_extracts_writer_repairs_it(tmp_path: Path) -> None:
    dataset = write(tmp_path)
    path = Path(dataset.uri) / MANIFEST
    whole = path.read_bytes()
    for damaged in flipped(whole):
        path.write_bytes(damaged)
        assert MANIFEST in refusal(lambda: open_dataset(dataset.uri))
    assert replace(write(tmp_path), store=dataset.store) == dataset
    assert path.read_bytes() == whole


def older(path: Path) -> dict[str, Any]:
    """Make the manifest at `path` one of before it had a digest; return what it says."""
    values: dict[str, Any] = json.loads(path.read_text())
    del values["digest"]
    path.write_text(json_text(values))
    return values


def test_an_older_dataset_without_digests_is_read(tmp_path: Path) -> None:
    dataset = write(tmp_path)
    path = Path(dataset.uri) / MANIFEST
    values = older(path)
    assert replace(open_dataset(dataset.uri), store=dataset.store) == dataset
    for part in values["parts"]:
        del part["blocks"]
    path.write_text(json_text(values))
    assert open_dataset(dataset.uri).samples() == SAMPLES


@pytest.mark.parametrize("name", ["digest", "blocks"])
def test_a_flipped_bit_makes_no_older_dataset_of_one_with_digests(name: str, tmp_path: Path) -> None:
    dataset = write(tmp_path)
    path = Path(dataset.uri) / MANIFEST
    older(path) if name == "blocks" else None  # An older one must not become one that is older still.
    path.write_text(path.read_text().replace(f'"{name}"', f'"{name[:-1]}~"'))
    assert f"{name[:-1]}~" in refusal(lambda: open_dataset(dataset.uri))


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", "null", "{}", '"x"', "[" * 100_000, "\ufeff{}", "9" * 5000),
        '{"format_version": 2, "fingerprint": "x", "class_names": [], "parts": []}',
        '{"format_version": "' + "x\\n" * 5000 + '"}',
        '{"format_version": 1, "fingerprint": "x", "class_names": []}',
        '{"format_version": 1, "fingerprint": "x", "class_names": [], "parts": 3}',
        '{"format_version": 1, "fingerprint": "x", "class_names": [], "parts": [{}]}',
        '{"format_version": 1, "fingerprint": "x", "class_names": [], "parts": [{"name": "../../x"}]}',
        '{"format_version": 1, "fingerprint": "x", "class_names": [], "parts": [{"name": null}]}',
        '{"format_version": 1, "fingerprint": 3, "class_names": [], "parts": []}',
        '{"format_version": 1, "fingerprint": "x", "class_names": 3, "parts": []}',
        '{"format_version": 1, "fingerprint": "x", "class_names": [["y"]], "parts": []}',
    ],
    ids=lambda content: content[:100],
)
def test_a_damaged_manifest_ends_as_one_line(content: str, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(content, encoding="utf-8")
    refusal(lambda: open_dataset(str(tmp_path)))


def test_another_version_is_named(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text('{"format_version": 2}')
    message = refusal(lambda: open_dataset(str(tmp_path)))
    assert "format version 1" in message
    assert "Received: 2" in message


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1", b"{}", b"PAR1" + b"\xff" * 4 + b"PAR1"]
)
def test_a_part_that_is_no_parquet_is_named(content: bytes, tmp_path: Path) -> None:
    dataset = write(tmp_path)
    (Path(dataset.uri) / dataset.parts[0]).write_bytes(content)
    assert dataset.parts[0] in refusal(dataset.samples)
    assert dataset.parts[0] in refusal(lambda: list(dataset.images(SAMPLES)))


def test_a_part_with_other_columns_is_named(tmp_path: Path) -> None:
    dataset = write(tmp_path)
    for table in (pa.table({"x": [1]}), pa.table({"sample_id": [1], "image": ["x"]})):
        pq.write_table(table, Path(dataset.uri) / dataset.parts[0])
        refusal(dataset.samples)
        refusal(lambda: list(dataset.images(SAMPLES)))


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    dataset = write(tmp_path)
    (Path(dataset.uri) / dataset.parts[0]).unlink()
    assert dataset.parts[0] in refusal(dataset.samples)


@pytest.mark.usefixtures("small_parts")
def test_a_part_left_out_of_the_manifest_is_noticed(tmp_path: Path) -> None:
    dataset = write(tmp_path)
    assert "unchanged" in refusal(lambda: replace(dataset, parts=dataset.parts[1:]).samples())
    assert "every sample" in refusal(lambda: list(replace(dataset, parts=dataset.parts[1:]).images(SAMPLES)))


@pytest.mark.parametrize("seed", range(60))
def test_changed_bytes_in_a_part_never_give_other_samples_or_images(seed: int, tmp_path: Path) -> None:
    dataset = write(tmp_path)
    path = Path(dataset.uri) / dataset.parts[0]
    rng, data = random.Random(seed), bytearray(path.read_bytes())  # noqa: S311 — a repeatable choice of bytes.
    # The footer is small; half of the changes go there.
    where = rng.randrange(len(data) - 3000, len(data)) if seed % 2 else rng.randrange(len(data))
    data[where] ^= rng.randrange(1, 256)
    path.write_bytes(data)
    message = ""
    try:
        assert {s.sample_id: image for s, image in read_all(dataset)} == IMAGES
    except DataError as error:
        message = str(error)
    assert message.isprintable()
    assert len(message) < 1000


def test_an_image_that_was_swapped_is_named(tmp_path: Path) -> None:
    dataset = write(tmp_path)
    path = Path(dataset.uri) / dataset.parts[0]
    rows = pq.read_table(path).to_pylist()
    rows[3]["image"]["bytes"] = b"another image"
    pq.write_table(pa.Table.from_pylist(rows, dataset_writer.SCHEMA), path)
    assert dataset.parts[0] in refusal(lambda: read_all(dataset))
    assert "folder/03.png" in refusal(lambda: read_all(without_blocks(dataset)))


def without_blocks(dataset: Dataset) -> Dataset:
    """Return `dataset` as one that was written when parts had no digests of their blocks."""
    digests = {part: replace(written, blocks=[]) for part, written in dataset.digests.items()}
    return replace(dataset, digests=digests)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("damage", ["a bit", "cut short", "gone", "manifest"])
@pytest.mark.parametrize("blocks", [True, False])
def test_what_is_damaged_is_written_again_and_the_rest_left(tmp_path: Path, damage: str, blocks: bool) -> None:
    dataset = write(tmp_path)
    before = files_of(dataset)
    if not blocks:
        manifest = json.loads(before[MANIFEST])
        del manifest["digest"]
        for part in manifest["parts"]:
            del part["blocks"]
        (Path(dataset.uri) / MANIFEST).write_text(json.dumps(manifest))
    for path in Path(dataset.uri).iterdir():
        os.utime(path, (1, 1))
    victim = Path(dataset.uri) / (MANIFEST if damage == "manifest" else dataset.parts[1])
    spoil(victim, damage)
    again = write(tmp_path)
    assert again.samples() == SAMPLES
    assert {name: data for name, data in files_of(again).items() if name != MANIFEST or blocks} == {
        name: data for name, data in before.items() if name != MANIFEST or blocks
    }
    kept = [path.name for path in Path(dataset.uri).iterdir() if path.stat().st_mtime == 1]
    assert set(dataset.parts) - {victim.name} <= set(kept) | (set(dataset.parts) if damage == "manifest" else set())


def spoil(path: Path, damage: str) -> None:
    """Damage the file at `path`."""
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 4
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(data[:-9] if damage == "cut short" else data)


@given(bit=st.integers(0, 10**9))
def test_no_bit_of_a_part_can_change_unnoticed(tmp_path_factory: pytest.TempPathFactory, bit: int) -> None:
    folder = tmp_path_factory.getbasetemp() / "bits"
    dataset = write(folder)
    path = Path(dataset.uri) / dataset.parts[0]
    data = bytearray(path.read_bytes())
    data[bit // 8 % len(data)] ^= 1 << bit % 8
    path.write_bytes(data)
    assert "Run extract again" in refusal(dataset.samples)
    assert not dataset.is_whole(dataset.parts[0])
    assert write(folder).samples() == SAMPLES


def test_a_label_that_was_changed_is_noticed(tmp_path: Path) -> None:
    dataset = write(tmp_path)
    path = Path(dataset.uri) / dataset.parts[0]
    rows = pq.read_table(path).to_pylist()
    rows[3]["label"] = "cat" if rows[3]["label"] != "cat" else "dog"
    pq.write_table(pa.Table.from_pylist(rows, dataset_writer.SCHEMA), path)
    assert "unchanged" in refusal(dataset.samples)
    assert "unchanged" in refusal(without_blocks(dataset).samples)


def test_samples_of_another_dataset_are_named(tmp_path: Path) -> None:
    strangers = [replace(SAMPLES[0], sample_id=f"stranger {index}") for index in range(12)]
    message = refusal(lambda: list(write(tmp_path).images([SAMPLES[1], *strangers])))
    assert "stranger 0" in message
    assert "first 10 of 12" in message
