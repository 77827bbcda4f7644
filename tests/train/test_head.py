"""The head and its fitting: it learns, keeps its best epoch, repeats itself exactly, stops when the loss is lost."""

import numpy as np
import pytest

from components.features import unnamed_file
from components.features.unnamed_file import feature_rows
from components.network.keras_runtime import keras
from components.parameters.recipe import Recipe
from components.step.errors import DataError
from components.train.checkpoints import Checkpoints
from components.train.examples import Examples
from components.train.fitting import Fitting, Phase, Standing, best_epoch, standing_of
from components.train.head import build_head

RECIPE = Recipe(epochs=8, batch_size=16, learning_rate=0.01, seed=5)


def blobs(seed: int, count: int = 90, scale: float = 1.0, noise: float = 0.6) -> Examples:
    """Return three clouds of points, one a class."""
    random = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int64) % 3
    centres = np.random.default_rng(99).normal(size=(3, 8))
    return Examples((scale * (centres[labels] + noise * random.normal(size=(count, 8)))).astype("f4"), labels)


def trained(recipe=RECIPE, train=None, validation=None):
    train, validation = train or blobs(0), validation or blobs(1)
    keras.utils.set_random_seed(recipe.seed)
    head = build_head(train.inputs, 3, recipe.seed)
    standing = Standing()
    phase = Phase(0, "head", head, train, validation, recipe.epochs, recipe.learning_rate)
    Fitting(phase, recipe, standing, None).run(lambda epoch: None)
    return head, standing.history


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_it_learns_whatever_the_scale_of_the_features(scale):
    _, history = trained(train=blobs(0, scale=scale), validation=blobs(1, scale=scale))
    assert history[-1].validation_accuracy > 0.9
    assert history[-1].validation_loss < 0.6 < history[0].validation_loss + 0.5


def test_the_best_epoch_s_weights_are_kept():
    validation = blobs(1, noise=3.0)  # Hard enough that later epochs overfit.
    recipe = Recipe(epochs=40, batch_size=8, learning_rate=0.05, seed=0)
    head, history = trained(recipe, train=blobs(0, count=24, noise=2.0), validation=validation)
    best = best_epoch(history)
    assert best.epoch < 40
    assert best.validation_loss == min(epoch.validation_loss for epoch in history)
    probabilities = head.predict(validation.inputs, verbose=0)
    loss = -np.log(probabilities[np.arange(90), validation.labels]).mean()
    assert loss == pytest.approx(best.validation_loss, rel=1e-4)
    assert (probabilities.argmax(1) == validation.labels).mean() == pytest.approx(best.validation_accuracy)


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    (one, history), (two, again) = trained(), trained()
    other, _ = trained(Recipe(epochs=8, batch_size=16, learning_rate=0.01, seed=6))
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert history == again
    kernel, another = (head.get_layer("probabilities").get_weights()[0] for head in (one, other))
    assert not np.array_equal(kernel, another)


def standardised(head, features):
    """Return what `head` makes of `features` before its dropout."""
    for layer in head.layers[:3]:
        features = layer(features)
    return keras.ops.convert_to_numpy(features)


@pytest.mark.parametrize("rows", [4096, 7])
def test_standardisation_is_by_the_training_features_and_stays(rows, monkeypatch):
    monkeypatch.setattr("components.train.head.ROWS", rows)
    head, _ = trained()
    scaled = standardised(head, blobs(0).inputs)
    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-5)
    assert (scaled.std(0) > 0.8).all()
    assert (scaled.std(0) < 1.0).all()


def test_a_feature_that_is_constant_in_training_does_not_explode():
    train, validation = blobs(0), blobs(1)
    train.inputs[:, 0] = 3.0
    validation.inputs[0, 0] = 4.0
    head, _ = trained(train=train, validation=validation)
    assert np.abs(standardised(head, validation.inputs)).max() < 100


def test_compression_is_relative_to_the_mean_size():
    features = np.array([[1.0, -3.0], [2.0, 2.0]], np.float32)  # 2 on average.
    compressed = build_head(features, 2, 0).layers[1](build_head(features, 2, 0).layers[0](features))
    np.testing.assert_allclose(compressed, [[1 / 3, -3 / 5], [1 / 2, 1 / 2]], rtol=1e-6)


def test_a_batch_larger_than_the_data_is_one_step():
    _, history = trained(Recipe(epochs=3, batch_size=1000, learning_rate=0.1, seed=0))
    assert history[-1].loss < history[0].loss


def test_a_lost_loss_is_one_line():
    train = blobs(0)
    train.inputs[3, 2] = np.nan
    with pytest.raises(DataError, match=r"must stay a number. Received: loss=.*--learning-rate 0\.01"):
        trained(train=train)


def test_the_last_good_checkpoint_outlives_a_lost_loss(tmp_path):
    train, validation = blobs(0), blobs(1)
    checkpoints = Checkpoints(str(tmp_path), "f" * 64, 0.0)
    head = build_head(train.inputs, 3, 5)

    def poison(epoch):
        train.inputs[:] = np.nan

    phase = Phase(0, "head", head, train, validation, RECIPE.epochs, RECIPE.learning_rate)
    with pytest.raises(DataError, match=r"in head epoch 2, step 1 of 6"):
        Fitting(phase, RECIPE, Standing(), checkpoints).run(poison)
    kept = checkpoints.load()
    assert standing_of(kept).epoch == 1
    assert all(np.isfinite(array).all() for group in kept.arrays.values() for array in group)


@pytest.mark.parametrize("options", [{}, {"schedule": "cosine", "class_weight": "balanced"}])
def test_a_head_learns_the_same_from_a_file(tmp_path, monkeypatch, options):
    features = np.random.default_rng(0).normal(size=(70, 6)).astype("f4")
    labels = np.arange(70, dtype=np.int64) % 3
    monkeypatch.setattr(unnamed_file, "MOST_IN_MEMORY", 100)
    mapped = feature_rows(70, 6, tmp_path)
    mapped[:] = features

    def weights(inputs):
        recipe = Recipe(epochs=2, batch_size=8, seed=1, **options)
        head = build_head(inputs, 3, 1)
        phase = Phase(0, "head", head, Examples(inputs[:50], labels[:50]), Examples(inputs[50:], labels[50:]), 2, 0.01)
        Fitting(phase, recipe, Standing(), None).run(lambda epoch: None)
        return head.get_weights()

    for one, other in zip(weights(features), weights(mapped), strict=True):
        np.testing.assert_array_equal(one, other)
