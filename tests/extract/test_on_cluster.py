"""extract by the nodes of a Ray cluster: the same bytes as by one process, also when a node is lost."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from components.extract import chunks
from components.extract.chunk_reading import read_chunks
from components.extract.chunks import Transfer, chunks_of
from components.extract.step import extract
from components.step.errors import DataError, ServiceError
from components.storage.stores import open_store
from tests.support import generated

pytest.importorskip("ray")
pytestmark = pytest.mark.slow

IMAGES = 60


class LosingANode:
    """The cluster, of which a node is killed once three units are done."""

    def __init__(self, nodes, cluster):
        self._nodes, self._cluster, self._lost = nodes, cluster, nodes.add()

    def check_nodes(self, places):
        self._cluster.check_nodes(places)

    def each(self, *arguments):
        for number, done in enumerate(self._cluster.each(*arguments)):
            if number == 2:
                self._nodes.kill(self._lost)
            yield done


@pytest.fixture
def photos(bucket, monkeypatch) -> str:
    """Images in the bucket, some of them no images, cut into a dozen chunks."""
    files = generated.noise_images(IMAGES) | {"broken.png": b"no image"}
    bucket.put(
        {f"photos/{'cat' if index % 2 else 'dog'}/{name}": data for index, (name, data) in enumerate(files.items())}
    )
    monkeypatch.setattr(chunks, "USUAL_BYTES", sum(map(len, files.values())) // 12)
    return bucket.uri("photos")


def extracted(photos: str, store: str, out: Path, cluster=None) -> dict[str, str]:
    """Return the sha256 of every file that extract writes to a store of its own, but what names the store."""
    out.mkdir()
    paths = {"samples_path": out / "samples.csv", "report_path": out / "report.html"}
    extract(photos, photos, store, on_bad_sample="drop", **paths, cluster=cluster)
    kept = open_store(store)
    files = {found.name: kept.read(found.name) for found in kept.list()} | {"table": paths["samples_path"].read_bytes()}
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


@pytest.mark.parametrize("lossy", [False, True], ids=["whole", "a node is lost"])
def test_a_cluster_writes_the_same_bytes(photos, bucket, tmp_path, ray_running, ray_cluster, lossy):
    alone = extracted(photos, bucket.uri("alone"), tmp_path / "alone")
    cluster = LosingANode(ray_running, ray_cluster) if lossy else ray_cluster
    assert extracted(photos, bucket.uri("many"), tmp_path / "many", cluster) == alone
    assert len([name for name in alone if "part-" in name]) > 4


def test_a_chunk_that_fails_is_named_and_the_parts_of_the_others_are_kept(photos, bucket, ray_cluster):
    listed = sorted(open_store(photos).list(), key=lambda found: found.name)
    cut = list(chunks_of([replace(listed[0], etag='"another"'), *listed[1:]], {}))
    transfer = Transfer(photos, bucket.uri("kept"), despite_faults=True)
    with pytest.raises(DataError, match=rf"1 unit of {len(cut)} failed: {listed[0].name} to ") as caught:
        read_chunks(transfer, cut, ray_cluster, (photos, listed[0].name))
    assert str(caught.value).endswith("What the others did is kept.")
    assert len(list(open_store(bucket.uri("kept")).list())) == len(cut) - 1  # No mark is left either.


def test_a_store_that_nodes_do_not_see_is_named_before_anything_is_read(photos, ray_cluster, tmp_path):
    listed = sorted(open_store(photos).list(), key=lambda found: found.name)
    with pytest.raises(ServiceError, match=r"no absent\.png in s3://"):
        read_chunks(
            Transfer(photos, str(tmp_path), True), list(chunks_of(listed, {})), ray_cluster, (photos, "absent.png")
        )
    assert list(tmp_path.iterdir()) == []
