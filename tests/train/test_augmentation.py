"""Augmentation, and the batches it goes into: a function of seed, epoch and sample, whatever the batch."""

import numpy as np
import pytest

from components.network.keras_runtime import keras
from components.parameters.recipe import Recipe
from components.train.augmentation import DRAWS, STRENGTHS, augment_images, draw, mix
from components.train.examples import Examples, Feed

IMAGES = np.random.default_rng(0).integers(0, 256, (10, 24, 20, 3), dtype=np.uint8)
LABELS = np.array([0, 1, 1, 1, 2, 1, 1, 1, 1, 1])


def augmented(images, draws, strength="light"):
    return keras.ops.convert_to_numpy(augment_images(images, draws, STRENGTHS[strength]))


def neutral(**columns):
    """Draws that change nothing: no flip, no zoom, the middle of everything else."""
    values = np.full((10, DRAWS), 0.5, np.float32)
    values[:, 1] = 0
    for column, value in columns.items():
        values[:, int(column[1:])] = value
    return values


def test_neutral_draws_change_nothing_and_a_flip_mirrors_exactly():
    np.testing.assert_allclose(augmented(IMAGES, neutral()), IMAGES, atol=1e-3)
    np.testing.assert_allclose(augmented(IMAGES, neutral(c0=0.1)), IMAGES[:, :, ::-1], atol=1e-3)


def test_a_crop_enlarges_what_is_inside_the_image():
    ramp = np.tile(np.linspace(0, 255, 20, dtype=np.float32)[None, None, :, None], (10, 24, 1, 3))
    row = augmented(ramp, neutral(c1=1.0), "strong")[0, 12, :, 0]
    assert row[0] > 10
    assert row[-1] < 245
    assert (np.diff(row) > 0).all()


def test_brightness_scales():
    np.testing.assert_allclose(augmented(IMAGES // 2, neutral(c4=1.0)), IMAGES // 2 * 1.1, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("strength", STRENGTHS)
def test_a_sample_is_changed_the_same_in_any_batch_and_otherwise_in_another_epoch(strength):
    values = draw(7, 0, 3, 10).values
    whole = augmented(IMAGES, values, strength)
    np.testing.assert_allclose(augmented(IMAGES[4:6], values[4:6], strength), whole[4:6], atol=1e-3)
    assert np.abs(augmented(IMAGES, draw(7, 0, 4, 10).values, strength) - whole).mean() > 1
    assert (whole >= 0).all()
    assert (whole <= 255).all()
    np.testing.assert_array_equal(draw(7, 0, 3, 4).values, values[:4])


def test_mixup_mixes_with_the_mirrored_batch():
    mixed = keras.ops.convert_to_numpy(mix(np.eye(4, dtype=np.float32), np.array([0, 0.5, 0.25, 0.1], np.float32)))
    np.testing.assert_allclose(mixed, [[1, 0, 0, 0], [0, 0.5, 0.5, 0], [0, 0.25, 0.75, 0], [0.1, 0, 0, 0.9]])


def feed(**options):
    return Feed(Examples(IMAGES, LABELS), 3, Recipe(batch_size=4, **options), 0)


@pytest.mark.parametrize("augment", ["none", "light", "strong", "tests.support.own_networks:flipped"])
def test_batches_from_the_middle_of_an_epoch_are_those_of_the_whole_epoch(augment):
    whole = list(feed(augment=augment).batches(2))
    later = list(feed(augment=augment).batches(2, first=1))
    assert [len(batch.targets) for batch in whole] == [4, 4, 2]
    for one, other in zip(whole[1:], later, strict=True):
        for name in ("inputs", "targets", "weights"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_every_sample_is_in_an_epoch_once_in_another_order_each_time():
    first, second = (np.concatenate([batch.inputs for batch in feed().batches(epoch)]) for epoch in (1, 2))
    assert sorted(image.tobytes() for image in first) == sorted(image.tobytes() for image in IMAGES)
    assert sorted(image.tobytes() for image in second) == sorted(image.tobytes() for image in IMAGES)
    assert not np.array_equal(first, second)


def test_labels_are_smoothed_and_classes_balanced():
    [*_, last] = feed(label_smoothing=0.3, class_weight="balanced").batches(1)
    assert set(np.unique(last.targets).round(6)) == {np.float32(0.1), np.float32(0.8)}
    batches = list(feed(class_weight="balanced").batches(1))
    totals = sum((batch.targets * batch.weights[:, None]).sum(0) for batch in batches)
    np.testing.assert_allclose(totals, [10 / 3] * 3, rtol=1e-5)
