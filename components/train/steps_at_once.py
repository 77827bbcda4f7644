"""Many small steps in one call: a head's step is so little work that most of its time went into calling it.

Each step does what `train_on_batch` does, in the same order, so its bits are the same however many go together.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.network.keras_runtime import keras

# A tenth of a second at most, so that checkpoints and bars keep their pace; more at once gain nothing.
AT_ONCE = 64

# From one array a kind of value, each with the steps first, to loss and accuracy of each step, float32 `[steps, 2]`.
ManySteps = Callable[[Sequence[NDArray[Any]]], NDArray[np.float32]]


def can_run_at_once() -> bool:
    """Tell whether the backend is one for which this is written."""
    return bool(keras.backend.backend() == "tensorflow")


def training_steps(network: "keras.Model", seeds: Sequence[Any], scheduled: bool) -> ManySteps:
    """Return what trains the compiled `network` from features `[K, N, D]`, targets `[K, N, C]` and weights `[K, N]`.

    Args:
        network: from features to probabilities.
        seeds: states of its random generators, set for each step from the fourth array, int `[K, len(seeds), 2]`.
        scheduled: whether the fifth array, float32 `[K]`, has the learning rate of each step.
    """

    def step(inputs: Any, targets: Any, weights: Any, states: Any, rate: Any) -> Any:
        for index, seed in enumerate(seeds):
            seed.assign(states[index])
        if scheduled:
            network.optimizer.learning_rate.assign(rate)
        network.reset_metrics()
        return network.train_step((inputs, targets, weights))

    return _in_one_call(step)


def validation_steps(network: "keras.Model") -> ManySteps:
    """Return what judges the compiled `network` by features `[K, N, D]` and targets `[K, N, C]`, each batch alone."""

    def step(inputs: Any, targets: Any) -> Any:
        network.reset_metrics()
        return network.test_step((inputs, targets))

    return _in_one_call(step)


def _in_one_call(step: Callable[..., Any]) -> ManySteps:
    import tensorflow

    def values(parts: Any) -> Any:
        found = step(*parts)
        return tensorflow.stack([found["loss"], found["categorical_accuracy"]])

    @tensorflow.function  # type: ignore[untyped-decorator]
    def run(parts: Any) -> Any:
        # One after another: each step begins with what the one before has left.
        return tensorflow.map_fn(values, parts, parallel_iterations=1, fn_output_signature=tensorflow.float32)

    def call(parts: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        # Of any number of steps and samples: the last ones are fewer, and tracing takes longer than they do.
        shapes = [[None, None, *part.shape[2:]][: part.ndim] for part in parts]
        specs = tuple(tensorflow.TensorSpec(s, part.dtype) for s, part in zip(shapes, parts, strict=True))
        traced = run.get_concrete_function(specs)
        return np.asarray(traced(*(tensorflow.constant(part) for part in parts)).numpy(), np.float32)

    return call
