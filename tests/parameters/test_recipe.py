"""The recipe's checks, and the learning rate it gives each step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.parameters.recipe import OPTIMIZERS, Recipe, check_recipe
from components.step.errors import UsageError
from components.train.schedules import build_optimizer, learning_rate_at


@pytest.mark.parametrize(
    ("name", "value", "nearest"),
    [
        ("augment", "lite", "light"),
        ("class_weight", "Balanced", "balanced"),
        ("schedule", "cos", "cosine"),
        ("optimizer", "rms", "rmsprop"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(name, value, nearest):
    with pytest.raises(UsageError, match=rf"--{name.replace('_', '-')} {value}\. Did you mean {nearest}\?"):
        check_recipe(Recipe(**{name: value}))


def test_the_default_recipe_is_legal():
    check_recipe(Recipe())


def rates(epochs=5, steps=4, **options):
    recipe = Recipe(**options)
    return [learning_rate_at(recipe, 0.1, epochs, steps, step) for step in range(epochs * steps)]


def test_a_constant_schedule_is_constant():
    assert set(rates()) == {0.1}


def test_warm_up_rises_to_the_full_rate_and_cosine_falls_to_nearly_nothing():
    values = rates(warmup_epochs=2, schedule="cosine")
    assert values[:8] == sorted(values[:8])
    assert values[0] == pytest.approx(0.1 / 8)
    assert values[7] == values[8] == 0.1
    assert values[8:] == sorted(values[8:], reverse=True)
    assert 0 < values[-1] < 0.005


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 12), st.sampled_from(("constant", "cosine")))
def test_a_rate_is_above_zero_and_at_most_the_full_one(epochs, steps, warmup, schedule):
    assert all(0 < rate <= 0.1 for rate in rates(epochs, steps, warmup_epochs=warmup, schedule=schedule))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_can_be_built(name):
    optimizer = build_optimizer(name, 0.25)
    assert type(optimizer).__name__.lower() == name
    assert float(optimizer.learning_rate) == 0.25
