"""The feature pass on the nodes of a cluster: this process hands out samples, and keeps what comes."""

import logging
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from components.dataset.samples import Sample
from components.dataset.snapshot import MANIFEST, Dataset
from components.features.network import onnx_network
from components.features.unit import AT_ONCE, FeatureWork, compute_features, name_of
from components.network.keras_runtime import keras
from components.step.progress import Progress

if TYPE_CHECKING:
    from components.engine.ray_cluster import RayCluster

log = logging.getLogger("pawline")


def features_by_cluster(
    cluster: "RayCluster", extractor: "keras.Model", dataset: Dataset, samples: Sequence[Sample]
) -> Iterator[tuple[Sequence[Sample], NDArray[np.float32]]]:
    """Yield `samples`, some at a time as they come, with their features by `extractor`, float32 `[n, D]`.

    Nothing is yielded where this process must do it: it has a GPU, or the network no ONNX form.

    Raises:
        DataError: an image is missing, damaged or cannot be decoded.
        ServiceError: the cluster failed, or its nodes do not see the dataset.
    """
    network = onnx_network(extractor)
    if network is None or not samples:
        log.info("features: by this step%s", " and not by the cluster" if samples else ", none are left")
        return
    work = FeatureWork(network, extractor.input_shape[1], dataset.uri)
    units = [samples[start : start + AT_ONCE] for start in range(0, len(samples), AT_ONCE)]
    places = ((dataset.uri, MANIFEST),)
    cluster.check_nodes(places)
    with Progress("features", len(samples)) as progress:
        for unit, features in cluster.each(partial(compute_features, work), units, name_of, places):
            yield unit, features
            progress.advance(len(unit))
