"""The dataset: addressed by its content, complete or absent, readable by others, damage named."""

import hashlib
import json
import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.dataset import part as part_module
from components.dataset.part import Image, write_part
from components.dataset.sample_table import TABLE
from components.dataset.samples import Sample
from components.dataset.snapshot import MANIFEST, Dataset, fingerprint, open_dataset
from components.dataset.table_and_parts import parts_uri
from components.step.errors import DataError, ServiceError
from components.step.files import json_text
from components.step.sealed_json import sealed
from components.storage.folder import LocalStore
from tests.support.flips import flipped
from tests.support.small_datasets import COUNT, IMAGES, SAMPLES, files_of, paths_of, write


@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row groups of three images."""
    monkeypatch.setattr(part_module, "ROW_GROUP_BYTES", 2_600)


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


@pytest.mark.usefixtures("small_groups")
def test_many_parts_and_row_groups_are_one_dataset(tmp_path: Path) -> None:
    dataset = write(tmp_path, per_part=10)
    assert len(dataset.content.parts) == 3
    groups = [pq.ParquetFile(paths_of(dataset)[part]).num_row_groups for part in dataset.content.parts]
    assert min(groups) >= 3
    assert dataset.samples() == SAMPLES
    assert [(s.sample_id, image) for s, image in dataset.images(SAMPLES[::-1])] == sorted(IMAGES.items())


@pytest.mark.usefixtures("small_groups")
@given(st.sets(st.integers(0, COUNT - 1)))
def test_each_wanted_image_comes_once(tmp_path_factory: pytest.TempPathFactory, wanted: set[int]) -> None:
    folder = tmp_path_factory.getbasetemp() / "wanted"
    chosen = [SAMPLES[index] for index in sorted(wanted, reverse=True)]
    got = list(write(folder, per_part=10).images(chosen))
    assert sorted(s.sample_id for s, _ in got) == sorted(s.sample_id for s in chosen)
    assert all(image == IMAGES[s.sample_id] for s, image in got)


def test_images_of_any_size_are_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one byte, larger than a page and than a row group, alike to the last byte, and what looks like a length."""
    monkeypatch.setattr(part_module, "ROW_GROUP_BYTES", 3 << 20)
    large = random.Random(1).randbytes(4 << 20)  # noqa: S311 - repeatable bytes.
    data = [
        b"x",
        b"x",
        large,
        large[:-1] + b"y",
        b"\x01\0\0\0x",
        *(large[: 400_000 + n] for n in range(9)),
        b"\x01\0\0\0x" * 9,
    ]
    images = [Image(one, hashlib.sha256(one).hexdigest(), 1, 1) for one in data]
    part, places = write_part(tmp_path / "part", images)
    whole = (tmp_path / "part").read_bytes()
    assert [whole[place.offset : place.offset + place.size] for place in places] == data
    assert [place.row for place in places] == list(range(len(data)))
    assert (part.size, part.images) == (len(whole), len(data))
    assert pq.read_table(tmp_path / "part").column("image").combine_chunks().field("bytes").to_pylist() == data


def test_only_the_parts_of_the_images_that_are_wanted_are_read(tmp_path: Path) -> None:
    dataset = write(tmp_path, per_part=10)
    for part in dataset.content.parts[1:]:
        paths_of(dataset)[part].unlink()
    assert len(list(dataset.images(SAMPLES[:3]))) == 3


def test_datasets_that_share_images_share_parts(tmp_path: Path) -> None:
    first = write(tmp_path, per_part=10)
    written = {name: path.stat().st_mtime_ns for name, path in paths_of(first).items()}
    other = write(tmp_path, [replace(s, label="owl") if s is SAMPLES[0] else s for s in SAMPLES], per_part=10)
    assert other.fingerprint != first.fingerprint
    assert other.content.parts == first.content.parts
    assert {name: path.stat().st_mtime_ns for name, path in paths_of(first).items()} == written


def test_a_dataset_is_read_by_whatever_way_leads_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = write(tmp_path / "store")
    (tmp_path / "link").symlink_to(dataset.uri)
    monkeypatch.chdir(dataset.uri)
    for uri in (tmp_path / "link", f"file://{dataset.uri}/", ".", f"../{dataset.fingerprint}"):
        found = open_dataset(str(uri))
        assert len(list(found.images(found.samples()))) == COUNT


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("s3://bucket/a/b/f", "s3://bucket/a/b/parts"),
        ("s3://bucket/f/", "s3://bucket/parts"),
        ("s3://bucket", "s3://bucket/parts"),
        ("/f", "/parts"),
    ],
)
def test_parts_lie_beside_the_dataset(uri: str, parts: str) -> None:
    assert parts_uri(uri) == parts


# Open to others


def test_the_columns_are_those_of_the_design(tmp_path: Path) -> None:
    dataset = write(tmp_path)
    table = pq.read_table(paths_of(dataset)[TABLE])
    expected = dict.fromkeys(
        ("sample_id", "label", "group", "sha256", "source_uri", "source_etag", "part"), pa.string()
    )
    expected |= {"width": pa.int32(), "height": pa.int32(), "row": pa.int32(), "offset": pa.int64(), "size": pa.int64()}
    assert {field.name: field.type for field in table.schema} == expected
    names = ["sample_id", "label", "group", "sha256", "width", "height"]
    assert table.column_names == [*names, "source_uri", "source_etag", "part", "row", "offset", "size"]
    row = table.to_pylist()[0]
    assert (row["source_uri"], row["source_etag"]) == ("s3://bucket/folder/00.png", "etag")
    part = pq.read_table(paths_of(dataset)[row["part"]])
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    assert {field.name: field.type for field in part.schema} == {
        **{"sha256": pa.string(), "width": pa.int32(), "height": pa.int32()},
        "image": image,
    }
    assert part.to_pylist()[0]["image"] == {"bytes": IMAGES["folder/00.png"], "path": None}


def test_the_manifest_says_what_the_files_are(tmp_path: Path) -> None:
    dataset = write(tmp_path, per_part=10)
    manifest = json.loads((Path(dataset.uri) / MANIFEST).read_text())
    assert set(manifest) == {"format_version", "fingerprint", "class_names", "samples", "table", "parts", "digest"}
    assert (manifest["format_version"], manifest["samples"]) == (2, COUNT)
    assert [part["images"] for part in manifest["parts"]] == [10, 10, 10]
    for described in [manifest["table"] | {"name": TABLE}, *manifest["parts"]]:
        data = files_of(dataset)[described["name"]]
        assert (described["size"], described["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


def test_others_join_samples_and_images(tmp_path: Path) -> None:
    dataset = write(tmp_path, per_part=10)
    samples = pq.read_table(paths_of(dataset)[TABLE])
    parts = pq.read_table(tmp_path / "parts")
    joined = samples.join(parts.select(["sha256", "image"]).flatten(), "sha256").to_pylist()
    assert {row["sample_id"]: row["image.bytes"] for row in joined} == IMAGES
    assert json.loads(parts.schema.metadata[b"huggingface"])["info"]["features"]["image"] == {"_type": "Image"}


# Complete or absent


def test_the_same_dataset_is_not_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = write(tmp_path)
    monkeypatch.setattr(LocalStore, "upload", lambda *_: pytest.fail("something was written again"))
    assert replace(write(tmp_path), store=dataset.store, content=dataset.content) == dataset


@pytest.mark.parametrize("fails", [TABLE, MANIFEST])
def test_a_store_that_fails_before_the_end_leaves_nothing_that_opens(
    fails: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = LocalStore.upload

    def failing(self: LocalStore, name: str, path: Path) -> None:
        if name == fails:
            raise ServiceError("The store must answer. Received: 503. Try again.")
        upload(self, name, path)

    with monkeypatch.context() as patched:
        patched.setattr(LocalStore, "upload", failing)
        with pytest.raises(ServiceError):
            write(tmp_path)
    assert len(list((tmp_path / "parts").iterdir())) == 1, "the part is there"
    with pytest.raises(DataError, match=MANIFEST):
        open_dataset(str(tmp_path / fingerprint(SAMPLES)))
    assert write(tmp_path).samples() == SAMPLES


def test_a_disk_that_keeps_other_bytes_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        part_module, "_table", lambda group, make=part_module._table: make([replace(i, data=b"y" * 8) for i in group])
    )
    with pytest.raises(ServiceError, match="temporary folder must keep"):
        write_part(tmp_path / "part", [Image(b"x" * 8, hashlib.sha256(b"x" * 8).hexdigest(), 1, 1)])


# Damage


def refusal(act: Callable[[], object]) -> str:
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
    names = [pq.read_schema(Path(d.uri) / TABLE).names for d in (dataset, write(tmp_path))]
    assert set(names[0]) == {*names[1], "given_split"}


def test_a_given_split_that_is_none_is_refused(tmp_path: Path) -> None:
    dataset = write(tmp_path, [replace(s, given_split="holdout") for s in SAMPLES])
    assert "given_split 'holdout'" in refusal(dataset.samples)


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
    write(tmp_path)
    assert path.read_bytes() == whole


def with_manifest(dataset: Dataset, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest of `dataset` as somebody would who knows how to seal it."""
    path = Path(dataset.uri) / MANIFEST
    values = json.loads(path.read_text())
    del values["digest"]
    change(values)
    path.write_text(json_text(sealed(values)))


HOSTILE_MANIFESTS: dict[str, Callable[[dict[str, Any]], object]] = {
    "a part elsewhere": lambda m: m["parts"][0].update(name="../../x"),
    "a part of another name": lambda m: m["parts"][0].update(name="part-x.parquet"),
    "a part with another digest": lambda m: m["parts"][0].update(sha256="00" * 32),
    "a part without a name": lambda m: m["parts"][0].pop("name"),
    "a part with more to it": lambda m: m["parts"][0].update(url="http://127.0.0.1"),
    "a size of words": lambda m: m["parts"][0].update(size="12"),
    "parts of numbers": lambda m: m.update(parts=[1, 2]),
    "no parts": lambda m: m.pop("parts"),
    "no table": lambda m: m.pop("table"),
    "a table of words": lambda m: m.update(table="samples.parquet"),
    "a table without blocks": lambda m: m["table"].update(blocks=""),
    "a fingerprint of numbers": lambda m: m.update(fingerprint=7),
    "no class names": lambda m: m.update(class_names=None),
}


@pytest.mark.parametrize("case", HOSTILE_MANIFESTS)
def test_a_manifest_that_is_sealed_and_wrong_is_named(case: str, tmp_path: Path) -> None:
    dataset = write(tmp_path)
    with_manifest(dataset, HOSTILE_MANIFESTS[case])
    assert MANIFEST in refusal(lambda: open_dataset(dataset.uri))


HOSTILE_SIZES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a larger part": lambda m: m["parts"][0].update(size=10**15),
    "a smaller part": lambda m: m["parts"][0].update(size=90),
    "a part of less than nothing": lambda m: m["parts"][0].update(size=-1),
    "a larger table": lambda m: m["table"].update(size=10**15),
    "another part's": lambda m: m["parts"].pop(),
    "other classes": lambda m: m["class_names"].pop(),
    "another fingerprint": lambda m: m.update(fingerprint="00" * 32),
}


@pytest.mark.parametrize("case", HOSTILE_SIZES)
def test_a_manifest_of_other_files_is_named(case: str, tmp_path: Path) -> None:
    dataset = write(tmp_path, per_part=10)
    with_manifest(dataset, HOSTILE_SIZES[case])
    assert "Run extract again" in refusal(lambda: read_all(open_dataset(dataset.uri)))
    assert read_all(write(tmp_path, per_part=10))


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", "null", "{}", '"x"', "[" * 100_000, "\ufeff{}", "9" * 5000),
        '{"format_version": 2, "fingerprint": "x", "class_names": [], "parts": []}',
        '{"format_version": "' + "x\\n" * 5000 + '"}',
        '{"format_version": [1]}',
    ],
    ids=lambda content: content[:100],
)
def test_a_damaged_manifest_ends_as_one_line(content: str, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(content, encoding="utf-8")
    refusal(lambda: open_dataset(str(tmp_path)))


def test_another_version_is_named(tmp_path: Path) -> None:
    for version in ("3", "true", '"2"'):
        (tmp_path / MANIFEST).write_text(f'{{"format_version": {version}}}')
        assert "format version 1 or 2. Received: " in refusal(lambda: open_dataset(str(tmp_path)))


HOSTILE_TABLES = {
    "elsewhere": {"part": "../../secret"},
    "of no part": {"part": "part-" + "0" * 32 + ".parquet"},
    "before it begins": {"offset": -1},
    "behind its end": {"offset": 1 << 40},
    "over its end": {"size": 1 << 20},
    "of less than nothing": {"size": -5},
    "of all there is": {"size": 1 << 62, "offset": 1 << 62},
}


def with_table(dataset: Dataset, table: pa.Table) -> None:
    """Put `table` in the place of the samples of `dataset`, as somebody would who knows how to seal it."""
    from components.dataset.unchanged import sha256_of
    from components.storage.ranged_file import block_digests

    path = Path(dataset.uri) / TABLE
    pq.write_table(table, path)
    with path.open("rb") as file:
        blocks = "".join(block_digests(file))
    written = {"size": path.stat().st_size, "sha256": sha256_of(path), "blocks": blocks}
    with_manifest(dataset, lambda manifest: manifest.update(table=written))


@pytest.mark.parametrize("case", HOSTILE_TABLES)
def test_an_image_that_lies_outside_of_the_parts_is_refused(case: str, tmp_path: Path) -> None:
    dataset = write(tmp_path)
    table = pq.read_table(Path(dataset.uri) / TABLE)
    rows = table.to_pylist()
    rows[3] |= HOSTILE_TABLES[case]
    with_table(dataset, pa.Table.from_pylist(rows, table.schema))
    assert TABLE in refusal(lambda: read_all(open_dataset(dataset.uri)))


def test_a_table_with_other_columns_is_named(tmp_path: Path) -> None:
    dataset = write(tmp_path)
    table = pq.read_table(Path(dataset.uri) / TABLE)
    others = [pa.table({"x": [1]}), table.drop_columns("part"), table.set_column(6, "offset", table.column("row"))]
    nothing = pa.nulls(COUNT, pa.string())
    others.append(table.set_column(0, pa.field("sample_id", pa.string()), nothing))
    for other in others:
        with_table(dataset, other)
        assert TABLE in refusal(lambda: read_all(open_dataset(dataset.uri)))


def test_a_table_that_was_changed_is_noticed(tmp_path: Path) -> None:
    dataset = write(tmp_path)
    table = pq.read_table(Path(dataset.uri) / TABLE)
    rows = table.to_pylist()
    rows[3]["label"] = "cat" if rows[3]["label"] != "cat" else "dog"
    with_table(dataset, pa.Table.from_pylist(rows, table.schema))
    assert "unchanged" in refusal(open_dataset(dataset.uri).samples)
    with_table(dataset, pa.Table.from_pylist(table.to_pylist()[1:], table.schema))
    assert "unchanged" in refusal(open_dataset(dataset.uri).samples)


def test_the_table_of_another_dataset_is_named(tmp_path: Path) -> None:
    dataset, other = write(tmp_path), write(tmp_path, SAMPLES[1:])
    (Path(dataset.uri) / TABLE).write_bytes((Path(other.uri) / TABLE).read_bytes())
    assert TABLE in refusal(dataset.samples)


@pytest.mark.parametrize("name", [TABLE, "part"])
@pytest.mark.parametrize(
    "content", [None, b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1", b"{}", b"PAR1" + b"\xff" * 4 + b"PAR1"]
)
def test_a_file_that_is_gone_or_none_of_ours_is_named(content: bytes | None, name: str, tmp_path: Path) -> None:
    dataset = write(tmp_path)
    path = paths_of(dataset)[name if name == TABLE else dataset.content.parts[0]]
    path.unlink() if content is None else path.write_bytes(content)
    message = refusal(lambda: read_all(open_dataset(dataset.uri)))
    assert path.name in message
    assert "Run extract again" in message
    assert read_all(write(tmp_path))


@pytest.mark.parametrize("per_part", [10, COUNT])
@given(bit=st.integers(0, 10**9), of=st.integers(0, 10**9))
def test_no_bit_can_change_unnoticed(
    tmp_path_factory: pytest.TempPathFactory, per_part: int, bit: int, of: int
) -> None:
    folder = tmp_path_factory.getbasetemp() / f"bits of {per_part}"
    dataset = write(folder, per_part=per_part)
    paths = paths_of(dataset)
    path = paths[[TABLE, *dataset.content.parts][of % (1 + len(dataset.content.parts))]]
    whole = path.read_bytes()
    data = bytearray(whole)
    data[bit // 8 % len(data)] ^= 1 << bit % 8
    path.write_bytes(data)
    message = "Run extract again"  # Of some bytes no reader reads anything: they are between the images.
    try:
        assert {s.sample_id: image for s, image in read_all(open_dataset(dataset.uri))} == IMAGES
    except DataError as error:
        message = str(error)
    assert "Run extract again" in message
    assert not open_dataset(dataset.uri).is_whole({})
    assert read_all(write(folder, per_part=per_part))
    assert path.read_bytes() == whole


def test_an_image_that_was_swapped_is_named(tmp_path: Path) -> None:
    dataset = write(tmp_path)
    path = paths_of(dataset)[dataset.content.parts[0]]
    path.write_bytes(path.read_bytes().replace(IMAGES["folder/03.png"], IMAGES["folder/03.png"][::-1]))
    message = refusal(lambda: read_all(dataset))
    assert "folder/03.png" in message
    assert dataset.content.parts[0] in message


def test_a_bit_that_flips_on_the_way_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, flips = write(tmp_path), iter([7, 70])
    opened = LocalStore.open

    def flipping(self: LocalStore, name: str) -> Any:
        file = opened(self, name)
        if not name.startswith("part-"):
            return file
        read = file.read

        class Flipping:
            seek, close = file.seek, file.close

            def read(self, size: int) -> bytes:
                data, bit = bytearray(read(size)), next(flips, None)
                if bit is not None:
                    data[bit // 8] ^= 1 << bit % 8
                return bytes(data)

        return Flipping()

    monkeypatch.setattr(LocalStore, "open", flipping)
    assert {s.sample_id: image for s, image in read_all(dataset)} == IMAGES
    assert next(flips, None) is None


@pytest.mark.parametrize("damage", ["a bit", "cut short", "gone"])
@pytest.mark.parametrize("what", ["manifest", "table", "part"])
def test_what_is_damaged_is_written_again_and_other_parts_left(tmp_path: Path, damage: str, what: str) -> None:
    dataset = write(tmp_path, per_part=10)
    before, paths = files_of(dataset), paths_of(dataset)
    for path in paths.values():
        os.utime(path, (1, 1))
    victim = paths[{"manifest": MANIFEST, "table": TABLE, "part": dataset.content.parts[1]}[what]]
    spoil(victim, damage)
    again = write(tmp_path, per_part=10)
    assert again.samples() == SAMPLES
    assert files_of(again) == before
    kept = {name for name, path in paths.items() if path.stat().st_mtime == 1}
    assert kept >= {*dataset.content.parts} - {victim.name}
    assert victim.name not in kept


def test_parts_of_another_writer_are_left_where_they_are_whole(tmp_path: Path) -> None:
    """As a newer pyarrow, or chunks that are cut otherwise, give them other names."""
    dataset = write(tmp_path, per_part=10)
    assert write(tmp_path, per_part=15).content.parts == dataset.content.parts
    spoil(paths_of(dataset)[dataset.content.parts[1]], "a bit")
    again = write(tmp_path, per_part=15)
    assert len(again.content.parts) == 2
    assert {s.sample_id: image for s, image in read_all(again)} == IMAGES


def spoil(path: Path, damage: str) -> None:
    """Damage the file at `path`."""
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 4
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(data[:-9] if damage == "cut short" else data)


def test_samples_of_another_dataset_are_named(tmp_path: Path) -> None:
    strangers = [replace(SAMPLES[0], sample_id=f"stranger {index}") for index in range(12)]
    message = refusal(lambda: list(write(tmp_path).images([SAMPLES[1], *strangers])))
    assert "stranger 0" in message
    assert "first 10 of 12" in message
