"""The feature cache: each image's features kept under what determines them, for every run and dataset that shares it.

`<cache_uri>/<key>/<digest>.parquet`, in shards (`feature_shard`); `key` stands for network, image size and libraries.
It only ever saves time: what is damaged is computed again, and a store that fails is done without.
"""

import hashlib
import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.features.shard import FORMAT_VERSION, BadShard, content_digest, open_shard, write_shard
from components.features.unnamed_file import let_go
from components.network.digest import network_digest
from components.network.keras_runtime import keras
from components.step.errors import PawlineError, one_line
from components.step.files import scratch_folder
from components.step.parallel import each_in_parallel
from components.storage.store import ObjectMissing, Store
from components.storage.stores import open_store

log = logging.getLogger("pawline")

# A killed pass loses one shard at most: half a minute of work, or these samples (21 MB at 1,280 features each). Each
# shard costs a few requests, so a million images want them large.
SHARD_SAMPLES = 4096
SHARD_SECONDS = 30.0
CONCURRENT_READS = 8
SUFFIX = ".parquet"

Found = list[tuple[str, NDArray[np.float32]]]


def default_cache_uri(dataset_uri: str) -> str:
    """Return the folder `features` beside the dataset, which every dataset of that store shares."""
    return f"{dataset_uri.rstrip('/').rpartition('/')[0]}/features"


def open_feature_cache(uri: str, extractor: "keras.Model", image_size: int) -> "FeatureCache":
    """Return the cache at `uri` for what `extractor` computes from images of `image_size` pixels a side.

    Raises:
        UsageError: `uri` is of a scheme that is not supported.
    """
    key = cache_key(extractor, image_size)
    log.info("features are kept as %s", key)  # By which `pawline clean` knows whose they are.
    return FeatureCache(open_store(f"{uri.rstrip('/')}/{key}"), key, extractor.output_shape[-1])


def cache_key(extractor: "keras.Model", image_size: int) -> str:
    """Return the hex sha256 over all that determines an image's features but the image itself."""
    libraries = [f"{name} {version(name)}" for name in (keras.backend.backend(), "keras", "onnxruntime", "pillow")]
    device = keras.distribution.list_devices()[0].partition(":")[0]
    parts = [FORMAT_VERSION, network_digest(extractor), image_size, libraries, device]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class FeatureCache:
    """Features by the sha256 of their image's bytes, kept in `store`."""

    def __init__(self, store: Store, key: str, dimensions: int) -> None:
        """Keep features of length `dimensions` that what `key` stands for computes."""
        self._store, self._key, self._dimensions = store, key, dimensions
        self._damaged: list[str] = []
        self._waiting: list[tuple[str, NDArray[np.float32]]] = []
        self._written = time.monotonic()
        self._works = True

    def read(self, rows: Mapping[str, Sequence[int]], features: NDArray[np.float32]) -> set[str]:
        """Fill `features`, float32 `[N, D]`, with what is kept; return the sha256s that were found.

        Args:
            rows: for the sha256 of each image wanted, the rows of `features` that are its own.
            features: rows that are not found are left as they are.
        """
        found: set[str] = set()
        with self._given_up_on_failure():
            names = sorted(item.name for item in self._store.list() if item.name.endswith(SUFFIX))
            for name, shard in each_in_parallel(lambda name: self._shard(name, rows), names, CONCURRENT_READS):
                if isinstance(shard, BadShard):
                    self._report_damage(name, shard)
                    continue
                for sha256, values in shard:
                    features[rows[sha256]] = values
                    found.add(sha256)
                let_go(features)
        return found

    def _shard(self, name: str, rows: Mapping[str, Sequence[int]]) -> Found | BadShard:
        """Return the samples of the shard `name` that are in `rows` with their features, or why there are none."""
        try:
            with self._store.open(name) as file:
                shard = open_shard(file, self._key, self._dimensions)
                return [] if rows.keys().isdisjoint(shard.sha256s) else shard.wanted(rows.keys())
        except ObjectMissing:  # Removed since it was listed.
            return []
        except BadShard as error:
            return error

    def _report_damage(self, name: str, error: BadShard) -> None:
        log.info("feature cache: %s is damaged (%s); its features are computed again", name, one_line(error, 120))
        self._damaged.append(name)

    def add(self, sha256s: Sequence[str], features: NDArray[np.float32]) -> None:
        """Keep the features, float32 `[n, D]`, of the images with these sha256s; written shard by shard."""
        self._waiting += zip(sha256s, features, strict=True)
        if len(self._waiting) >= SHARD_SAMPLES or time.monotonic() - self._written > SHARD_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what was added since the last shard; a store that fails is said once and then done without."""
        if self._waiting and self._works:
            with self._given_up_on_failure():
                self._write([sha256 for sha256, _ in self._waiting], np.stack([row for _, row in self._waiting]))
        self._waiting, self._written = [], time.monotonic()

    def _write(self, sha256s: Sequence[str], features: NDArray[np.float32]) -> None:
        # A damaged shard is replaced by the first new one, or it would be met again in every run.
        name = self._damaged.pop() if self._damaged else content_digest(sha256s, features) + SUFFIX
        with scratch_folder() as folder:
            path = Path(folder) / "shard.parquet"
            write_shard(path, self._key, sha256s, features)
            self._store.upload(name, path)

    @contextmanager
    def _given_up_on_failure(self) -> Iterator[None]:
        try:
            yield
        except ObjectMissing:  # No such folder yet.
            return
        except (PawlineError, OSError) as error:
            self._works = False
            log.warning("feature cache: done without, %s", one_line(error))
