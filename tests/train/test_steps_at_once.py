"""Many steps of a head in one call: what is learnt is the same, bit by bit, however many go together."""

import numpy as np
import pytest

from components.parameters.recipe import Recipe
from components.train import fitting
from components.train.checkpoints import Checkpoints
from components.train.examples import Batch, Examples, Feed, alike, one_hot
from components.train.fitting import Fitting, Phase, Standing, standing_of
from components.train.head import build_head

EVERYTHING = {
    "label_smoothing": 0.1,
    "class_weight": "balanced",
    "schedule": "cosine",
    "warmup_epochs": 1,
    "optimizer": "adamw",
}


def examples(seed: int, count: int) -> Examples:
    random = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int64) % 3 * (np.arange(count) % 7 > 0)
    return Examples((labels[:, None] + random.normal(size=(count, 5))).astype("f4"), labels)


def fitted(at_once: int, recipe: Recipe, monkeypatch, checkpoints=None, train=None, found=None):
    """Return the head's weights, the optimizer's and the epochs after a training of `at_once` steps a call."""
    monkeypatch.setattr(fitting, "AT_ONCE", at_once)
    train = train or examples(0, 83)
    head = build_head(train.inputs, 3, recipe.seed)
    phase = Phase(0, "head", head, train, examples(1, 29), recipe.epochs, recipe.learning_rate)
    standing = standing_of(found) if found else Standing()
    work = Fitting(phase, recipe, standing, checkpoints)
    if found:
        work.restore(found)
    work.run(lambda epoch: None)
    return head.get_weights(), [v.numpy() for v in head.optimizer.variables], standing.history


@pytest.mark.parametrize("options", [{}, EVERYTHING])
def test_no_bit_depends_on_how_many_steps_go_together(options, monkeypatch) -> None:
    recipe = Recipe(epochs=2, batch_size=8, learning_rate=0.02, seed=3, **options)
    alone = fitted(1, recipe, monkeypatch)
    for at_once in (4, 64):
        together = fitted(at_once, recipe, monkeypatch)
        assert together[2] == alone[2]
        for one, other in zip(alone[0] + alone[1], together[0] + together[1], strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_training_goes_on_from_any_call_to_the_same_bits(monkeypatch, tmp_path) -> None:
    recipe = Recipe(epochs=2, batch_size=8, learning_rate=0.02, seed=3, **EVERYTHING)
    whole = fitted(4, recipe, monkeypatch)
    checkpoints, kept = Checkpoints(str(tmp_path), "f" * 64, 0.0), []
    monkeypatch.setattr(checkpoints, "save", kept.append)
    monkeypatch.setattr(checkpoints, "due", lambda at_epoch_end: True)
    fitted(4, recipe, monkeypatch, checkpoints)
    assert [(c.header["standing"]["epoch"], c.header["standing"]["batch"]) for c in kept[:4]] == [
        (0, 4),
        (0, 8),
        (0, 10),
        (1, 0),
    ]
    for found in kept[:-1]:
        resumed = fitted(4, recipe, monkeypatch, found=found)
        assert resumed[2] == whole[2]
        for one, other in zip(whole[0] + whole[1], resumed[0] + resumed[1], strict=True):
            np.testing.assert_array_equal(one, other)


def test_batches_go_together_in_order_while_they_are_of_one_size() -> None:
    batches = [Batch(np.full(size, 0), None, np.ones(size)) for size in (4, 4, 4, 4, 4, 2, 2, 1)]
    assert [[len(batch.weights) for batch in together] for together in alike(iter(batches), 2)] == [
        [4, 4],
        [4, 4],
        [4],
        [2, 2],
        [1],
    ]


def test_targets_and_weights_are_those_of_each_class() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2], np.int64)
    feed = Feed(Examples(np.zeros((6, 2), "f4"), labels), 3, Recipe(batch_size=6, class_weight="balanced"), 0)
    (batch,) = feed.batches(1)
    assert sorted(batch.weights.tolist()) == pytest.approx(sorted([6 / 9] * 3 + [1.0] * 2 + [2.0]))
    np.testing.assert_array_equal(one_hot(labels, 3), np.eye(3, dtype="f4")[labels])
    np.testing.assert_array_equal(batch.targets.sum(0), [3, 2, 1])
