"""What the training benchmark computes by itself."""

import pytest

from benchmarks.course_recipe import build_network
from benchmarks.train import main
from benchmarks.train_speed import _parts_table, _whole_table

FEATURES = ("pass", "pass cpu", "engine", "engine cpu", "decoding cpu")


@pytest.mark.parametrize(
    ("head", "shapes"), [("course", [(25088, 64), (64,), (64, 3), (3,)]), ("pooled", [(512, 3), (3,)])]
)
def test_the_course_s_network_trains_its_head_only(head, shapes):
    network = build_network(classes=3, head=head)
    assert network.output_shape == (None, 3)
    assert [weight.shape for weight in network.trainable_weights] == shapes


def runs(**seconds):
    from benchmarks.steps import Run

    return {name: [Run(one, 500.0, one, one / 4)] for name, one in seconds.items()}


@pytest.mark.parametrize(
    ("changed", "held"),
    [
        ({}, True),
        ({"vgg16": 50}, False),
        ({"default": 12}, False),
        ({"warm": 10, "longer": 11}, False),
        ({"longer": 16}, False),
        ({"same head": 120}, False),
    ],
)
def test_a_missed_target_is_noticed(changed, held):
    assert (
        _whole_table(
            runs(**{"course": 160, "same head": 150, "vgg16": 40, "default": 10, "warm": 7, "longer": 8} | changed)
        )[1]
        is held
    )


@pytest.mark.parametrize(("features", "decode", "held"), [(1.1, 2.1, True), (1.2, 2.1, False), (1.1, 1.9, False)])
def test_missed_targets_of_the_parts_are_noticed(features, decode, held):
    measured = {
        "features": {"ratio": features, "ratio cpu": 1.2, "images": 10, **dict.fromkeys(FEATURES, 1.0)},
        "decode": dict.fromkeys(("images", "ours", "keras", "ours cpu", "keras cpu", "pixels only"), 1.0)
        | {"ratio": decode},
    }
    assert _parts_table(measured)[1] is held


def test_without_data_nothing_is_measured(monkeypatch, capsys):
    monkeypatch.delenv("PAWLINE_TEST_DATA", raising=False)
    assert main([]) == 0
    assert "training is not measured" in capsys.readouterr().err
