"""What decides the weights of a training, as one key: the same key, the same weights."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, astuple
from importlib.metadata import version

from components.dataset.samples import Sample
from components.dataset.snapshot import Dataset
from components.network.keras_runtime import keras
from components.network.variables import weights_digest
from components.parameters.own_function import source_digest
from components.parameters.recipe import Recipe
from components.step.program import code_digest
from components.train.checkpoints import checkpoint_key

LIBRARIES = ("keras", "tensorflow", "numpy", "pillow")


def training_key(
    dataset: Dataset,
    train: Sequence[Sample],
    validation: Sequence[Sample],
    backbone: str,
    extractor: "keras.Model",
    recipe: Recipe,
) -> str:
    """Return the key of a training: data, split, every parameter, the untrained network, code and libraries."""
    return checkpoint_key(
        {
            "dataset": dataset.fingerprint,
            "class_names": list(dataset.class_names),
            "train": _digest(repr([astuple(sample) for sample in train]).encode()),
            "validation": _digest(repr([astuple(sample) for sample in validation]).encode()),
            "backbone": backbone,
            "input": list(extractor.input_shape[1:]),
            "weights": weights_digest(extractor),
            "policy": keras.config.dtype_policy().name,
            "backend": keras.backend.backend(),
            "recipe": asdict(recipe),
            "code": code_digest(),
            "own": {name: source_digest(name) for name in (backbone, *recipe.own_functions) if ":" in name},
            "libraries": {name: version(name) for name in LIBRARIES},
        }
    )


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
