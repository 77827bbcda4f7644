"""Optimizers, and the learning rate over the steps of a phase."""

import math

from components.network.keras_runtime import keras
from components.parameters.recipe import Recipe

MOMENTUM = 0.9


def learning_rate_at(recipe: Recipe, base: float, epochs: int, steps: int, step: int) -> float:
    """Return the learning rate of a step, a pure function of its number, so that a resumed run has the same.

    Args:
        recipe: names schedule and warm-up.
        base: the phase's full rate.
        epochs: how many epochs the phase has.
        steps: how many steps an epoch has.
        step: counted from 0 over the phase.
    """
    warmup = min(recipe.warmup_epochs, epochs) * steps
    if step < warmup:
        return base * ((step + 1) / warmup)
    if recipe.schedule == "constant":
        return base
    share = (step - warmup) / max(epochs * steps - warmup, 1)
    return base * 0.5 * (1.0 + math.cos(math.pi * share))


def build_optimizer(name: str, learning_rate: float) -> "keras.optimizers.Optimizer":
    """Return the optimizer called `name`, one of `recipe.OPTIMIZERS`, with Keras's defaults where none is given."""
    if name == "sgd":
        return keras.optimizers.SGD(learning_rate, momentum=MOMENTUM, nesterov=True)
    classes = {"adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop"}
    return getattr(keras.optimizers, classes[name])(learning_rate)
