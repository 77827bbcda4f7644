"""The unit of extract's work: what it gives depends on its images alone, and what is there is not written again."""

import pickle
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.extract import chunks
from components.extract.chunks import Chunk, Transfer, WrittenChunk, chunks_of, write_chunk, write_chunks
from components.storage.folder import LocalStore
from components.storage.store import StoredObject
from tests.conftest import Bucket
from tests.support import generated
from tests.support.extraction import assert_refused, extract_arguments, first_part, run_extract
from tests.support.fault_proxy import FaultProxy

IMAGES = generated.noise_images(40)


def listed(sizes: Sequence[int]) -> list[StoredObject]:
    return [StoredObject(f"{index:04}.png", size, "etag") for index, size in enumerate(sizes)]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of about eight images, at most 16."""
    monkeypatch.setattr(chunks, "USUAL_BYTES", 10_000)
    monkeypatch.setattr(chunks, "MOST_BYTES", 20_000)


@pytest.mark.usefixtures("small_chunks")
@given(st.lists(st.integers(0, 30_000), max_size=80))
def test_chunks_hold_each_image_once_in_order_and_are_no_larger_than_a_part(sizes: list[int]) -> None:
    objects = listed(sizes)
    cut = list(chunks_of(objects, {}))
    assert [found for chunk in cut for found in chunk.objects] == objects
    for chunk in cut:
        assert chunk.objects
        assert len(chunk.objects) == 1 or sum(found.size for found in chunk.objects) <= 20_000


@pytest.mark.usefixtures("small_chunks")
@given(st.integers(0, 199))
def test_an_image_less_leaves_nearly_all_chunks_as_they_are(gone: int) -> None:
    objects = listed([1200 + index % 7 for index in range(200)])
    before = {tuple(chunk.objects) for chunk in chunks_of(objects, {})}
    after = {tuple(chunk.objects) for chunk in chunks_of(objects[:gone] + objects[gone + 1 :], {})}
    assert len(before) > 15
    assert len(before - after) <= 4


@pytest.fixture
def transfer(tmp_path: Path) -> Transfer:
    generated.write_files(tmp_path / "images", IMAGES)
    return Transfer(str(tmp_path / "images"), str(tmp_path / "store"), despite_faults=True)


@pytest.fixture
def cut(transfer: Transfer, small_chunks: None) -> list[Chunk]:
    objects = sorted(LocalStore(Path(transfer.images_uri)).list(), key=lambda found: found.name)
    return list(chunks_of(objects, {}))


def test_the_same_comes_of_it_alone_elsewhere_and_in_any_order(
    transfer: Transfer, cut: list[Chunk], tmp_path: Path
) -> None:
    together = list(write_chunks(transfer, cut, lambda _: None))
    other = Transfer(transfer.images_uri, str(tmp_path / "other"), despite_faults=True)
    alone: list[WrittenChunk] = [
        pickle.loads(pickle.dumps(write_chunk(*pickle.loads(pickle.dumps((other, chunk))))))  # noqa: S301 - our own.
        for chunk in cut[::-1]
    ]
    assert len(cut) > 3
    assert alone[::-1] == together
    names = [{path.name for path in (tmp_path / store / "parts").iterdir()} for store in ("store", "other")]
    assert names[0] == names[1] == {written.part.name for written in together if written.part}
    for chunk, written in zip(cut, together, strict=True):
        for found, image in zip(chunk.objects, written.images, strict=True):
            place = image.place
            data = (tmp_path / "store" / "parts" / place.part).read_bytes()
            assert data[place.offset : place.offset + place.size] == IMAGES[found.name]


def test_an_image_that_cannot_be_used_has_no_place_and_the_rest_has(transfer: Transfer, cut: list[Chunk]) -> None:
    (Path(transfer.images_uri) / cut[0].objects[0].name).write_bytes(b"no image")
    chunk = Chunk([*LocalStore(Path(transfer.images_uri)).list()], {})
    written = write_chunk(transfer, chunk)
    assert [bool(image.place) for image in written.images] == [not image.fault for image in written.images]
    assert sum(bool(image.fault) for image in written.images) == 1
    assert written.part
    assert written.part.images == len(IMAGES) - 1
    assert write_chunk(Transfer(transfer.images_uri, transfer.dataset_store, despite_faults=False), chunk).part is None


def test_of_images_none_of_which_can_be_used_there_is_no_part(transfer: Transfer, tmp_path: Path) -> None:
    generated.write_files(tmp_path / "bad", {"a": b"x", "b": b""})
    bad = Transfer(str(tmp_path / "bad"), transfer.dataset_store, despite_faults=True)
    assert write_chunk(bad, Chunk(list(LocalStore(tmp_path / "bad").list()), {})).part is None
    assert not (tmp_path / "store").exists()


@pytest.mark.usefixtures("small_chunks")
def test_other_labels_write_no_image_and_one_image_more_writes_few_parts(tmp_path: Path) -> None:
    def extracted(labels: dict[str, str]) -> set[str]:
        (tmp_path / "annotations.json").write_text(generated.ecotag_export(labels))
        places = (tmp_path / "annotations.json", tmp_path / "images", tmp_path / "datasets")
        outcome = run_extract(extract_arguments(tmp_path / "out", *places))
        samples = outcome.dataset().samples()
        assert {s.sample_id: data for s, data in outcome.dataset().images(samples)} == {n: IMAGES[n] for n in labels}
        return {path.name for path in (tmp_path / "datasets" / "parts").iterdir()}

    generated.write_files(tmp_path / "images", IMAGES)
    names = sorted(IMAGES)
    parts = extracted(generated.labels_of(names[1:]))
    assert extracted(generated.labels_of(names[:0:-1])) == parts
    assert len(extracted(generated.labels_of(names)) - parts) <= 2


@pytest.mark.usefixtures("small_chunks")
def test_a_store_that_is_full_in_the_middle_of_a_part_ends_in_one_line_and_the_next_run_goes_on(
    bucket: Bucket, proxy: FaultProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.storage.s3_objects.time.sleep", lambda _: None)
    generated.write_files(tmp_path / "images", IMAGES)
    (tmp_path / "annotations.json").write_text(generated.ecotag_export(generated.labels_of(IMAGES)))
    places = (tmp_path / "annotations.json", tmp_path / "images", bucket.uri("datasets"))
    arguments = extract_arguments(tmp_path / "out", *places)
    sent: list[str] = []

    def full(request: object) -> str | None:
        if request.method == "PUT" and request.path.endswith(".parquet"):
            sent.append(request.path)
            return "403" if len(set(sent)) > 2 else None
        return None

    proxy.plan = full
    assert_refused(run_extract(arguments), 1, "The S3 store at http://127.0.0.1", "/parts/part-")
    assert not [key for key in bucket.listed() if key.endswith(("dataset.json", "samples.parquet"))]
    kept = {key for key in bucket.listed() if "/parts/" in key}
    assert len(kept) == 2
    sent.clear()
    proxy.plan = lambda request: sent.append(request.path) if request.method == "PUT" else None
    dataset = run_extract(arguments).dataset()
    assert len(list(dataset.images(dataset.samples()))) == len(IMAGES)
    assert not [path for path in sent if path.lstrip("/").partition("/")[2] in kept]


def test_engines_of_others_join_samples_and_images(tmp_path: Path) -> None:
    duckdb, hugging_face = pytest.importorskip("duckdb"), pytest.importorskip("datasets")
    generated.write_files(tmp_path / "images", {**IMAGES, "copy.png": IMAGES["page0.png"]})
    labels = generated.labels_of(IMAGES) | {"copy.png": "cat"}
    (tmp_path / "annotations.json").write_text(generated.ecotag_export(labels))
    places = (tmp_path / "annotations.json", tmp_path / "images", tmp_path / "datasets")
    dataset = run_extract(extract_arguments(tmp_path / "out", *places)).dataset()
    design = (Path(__file__).parents[2] / "docs" / "design.md").read_text()
    query = design[design.index("`select s.*") + 1 :].partition("`")[0].replace("\n", " ")
    query = query.replace("samples.parquet", f"{dataset.uri}/samples.parquet")
    query = query.replace("../parts", f"{tmp_path}/datasets/parts")
    rows = duckdb.sql(query).fetchall()
    assert {row[0]: row[-1]["bytes"] for row in rows} == {**IMAGES, "copy.png": IMAGES["page0.png"]}
    assert len(rows) == len(labels)
    features = hugging_face.Features.from_arrow_schema(pq.read_schema(first_part(dataset)))
    assert isinstance(features["image"], hugging_face.Image)
