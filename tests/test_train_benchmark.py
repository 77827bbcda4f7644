"""What the training benchmark computes by itself."""

import pytest

from benchmarks.course_recipe import build_network
from benchmarks.train import main
from benchmarks.train_accuracy import wilson_interval
from benchmarks.train_speed import _parts_table, _whole_table


def test_wilson_s_interval():
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263 and 0 of 20.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)


def test_the_course_s_network_trains_its_head_only():
    network = build_network(classes=3)
    assert network.output_shape == (None, 3)
    assert [weight.shape for weight in network.trainable_weights] == [(25088, 64), (64,), (64, 3), (3,)]


def runs(**seconds):
    from benchmarks.steps import Run

    return {name: [Run(one, 500.0, one)] for name, one in seconds.items()}


@pytest.mark.parametrize(
    ("changed", "held"),
    [
        ({}, True),
        ({"vgg16": 50}, False),
        ({"default": 12}, False),
        ({"warm": 10, "longer": 11}, False),
        ({"longer": 11}, False),
    ],
)
def test_a_missed_target_is_noticed(changed, held):
    assert (
        _whole_table(runs(**{"course": 160, "vgg16": 40, "default": 10, "warm": 7, "longer": 8} | changed))[1] is held
    )


@pytest.mark.parametrize(("features", "decode", "held"), [(1.1, 2.1, True), (1.2, 2.1, False), (1.1, 1.9, False)])
def test_missed_targets_of_the_parts_are_noticed(features, decode, held):
    measured = {
        "features": {"images": 10, "pass": 1.0, "bare": 1.0, "ratio": features},
        "decode": dict.fromkeys(("images", "ours", "keras", "ours cpu", "keras cpu", "pixels only"), 1.0)
        | {"ratio": decode},
    }
    assert _parts_table(measured)[1] is held


def test_without_data_nothing_is_measured(monkeypatch, capsys):
    monkeypatch.delenv("PAWLINE_TEST_DATA", raising=False)
    assert main([]) == 0
    assert "training is not measured" in capsys.readouterr().err
