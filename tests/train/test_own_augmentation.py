"""A user's own augmentation: what it may give, that each mistake is one line, and that a killed training goes on."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from components.parameters.own_function import source_digest
from components.step.errors import UsageError
from components.step.findings import check_all_kept
from components.train.own_augmentation import OwnAugmentation, check_augmentation, random_images
from components.train.step import main as train
from pipeline.cli.main import main
from tests.support.own_modules import own_module
from tests.support.shades import step_arguments, write_shades

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "extensions.md").read_text(encoding="utf-8")
RULES = re.findall(r"^\| ([\w ]+) \|", PAGE.partition("## Augmentation")[2].partition("## Pre")[0], re.MULTILINE)[1:]

FUNCTIONS = """
import numpy as np

calls = 0


def flipped(image, random):
    return image[:, ::-1].copy() if random.random() < 0.5 else image


def floats(image, random):
    return image / 2


def narrow(image, random):
    return image[:, 1:]


def nothing(image, random):
    return None


def listed(image, random):
    return image.tolist()


def raising(image, random):
    raise KeyError("first\\nsecond")


def changing(image, random):
    image[0] = 0
    return image


def changing_by_force(image, random):
    image.base[0] = 0
    return image.copy()


def undrawn(image, random):
    global calls
    calls += 1
    return np.roll(image, calls, 0)


def unchanged(image, random):
    return image


def alone(image):
    return image


number = 5
"""
BROKEN = {
    "floats": ("called", "uint8 [9, 9, 3]. Received: --augment {name}: float64 [9, 9, 3]"),
    "narrow": ("called", "Received: --augment {name}: uint8 [9, 8, 3]"),
    "nothing": ("called", "Received: --augment {name}: NoneType"),
    "listed": ("called", "Received: --augment {name}: list"),
    "raising": ("called", "KeyError: 'first"),
    "changing": ("called", "read-only"),
    "changing_by_force": ("keeps its input", "is changed: copy it first"),
    "undrawn": ("deterministic", "one seed gives different images"),
    "unchanged": ("changes images", "none of 32 images is changed"),
}


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module of the user's where Python finds it; its name, another in each test."""
    with own_module("augmentations", FUNCTIONS, tmp_path, monkeypatch) as name:
        yield name


def test_one_that_keeps_every_rule_is_told_so_and_the_document_names_the_rules(module):
    found = list(check_augmentation(f"{module}:flipped", random_images(9)))
    assert [one.rule for one in found] == RULES
    assert [one for one in found if not one.kept] == []


@pytest.mark.parametrize("function", BROKEN)
def test_each_mistake_is_the_rule_that_it_breaks_in_one_line(module, function):
    rule, said = BROKEN[function]
    name = f"{module}:{function}"
    broken = {one.rule: one.found for one in check_augmentation(name, random_images(9)) if not one.kept}
    assert said.format(name=name) in broken[rule]
    with pytest.raises(UsageError) as refused:
        check_all_kept("An augmentation", f"--augment {name}", check_augmentation(name, random_images(9)))
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith(f"An augmentation must keep every rule. Received: --augment {name}: ")


@pytest.mark.parametrize(
    ("function", "said"), [("alone", "a random generator"), ("number", "type int"), ("no", "has no")]
)
def test_what_cannot_be_one_is_refused(module, function, said):
    with pytest.raises(UsageError, match=said):
        OwnAugmentation(f"{module}:{function}")


def test_what_happens_to_a_sample_depends_on_neither_its_batch_nor_the_others(module):
    images = random_images(9)
    whole = OwnAugmentation(f"{module}:flipped").batch(images, [1, 0, 3], [5, 2, 8, 1])
    apart = [
        OwnAugmentation(f"{module}:flipped").batch(images[i : i + 1], [1, 0, 3], [r])
        for i, r in enumerate([5, 2, 8, 1])
    ]
    np.testing.assert_array_equal(whole, np.concatenate(apart))


def test_the_example_of_the_document_keeps_every_rule(tmp_path, monkeypatch, capsys):
    example, _ = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[:2]
    (tmp_path / "mine.py").write_text(example)
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        [command] = re.findall(r"^pawline (check-augmentation .*)$", PAGE, re.MULTILINE)
        assert main(command.split()) == 0
    finally:
        sys.modules.pop("mine", None)
    shown = capsys.readouterr().out
    assert shown.count("yes") == len(RULES)


def test_the_command_ends_with_1_and_names_the_broken_rule(module, capsys):
    assert main(["check-augmentation", f"{module}:undrawn", "--image-size", "9", "--json"]) == 1
    printed = capsys.readouterr()
    assert '"kept": false' in printed.out
    assert printed.err.splitlines() == [
        f"pawline: error: An augmentation must keep every rule. Received: {module}:undrawn, broken=1. Correct it."
    ]


RESUMED = """
import os

def augment(image, random):
    if os.path.exists({stop!r}) and os.path.exists({checkpoints!r}):
        raise MemoryError("lost")
    return image[::-1].copy() if random.random() < {share} else image
"""


def test_a_training_that_was_lost_ends_with_the_bytes_of_one_that_was_not(tmp_path, monkeypatch, capsys):
    shades, module = write_shades(tmp_path / "data"), tmp_path / "own_of_resumed.py"
    stop = tmp_path / "stop"
    monkeypatch.syspath_prepend(str(tmp_path))

    def trained(name: str, share: float = 0.5) -> tuple[int, str]:
        places = {"stop": str(stop), "checkpoints": str(tmp_path / name / "checkpoints")}
        module.write_text(RESUMED.format(**places, share=share))
        sys.modules.pop("own_of_resumed", None)
        options = {
            "backbone": "small_cnn",
            "epochs": 2,
            "batch_size": 8,
            "checkpoint_minutes": 0,
            "augment": "own_of_resumed:augment",
        }
        code = train(step_arguments(shades, tmp_path / name, **options, checkpoint_uri=places["checkpoints"]))
        return code, capsys.readouterr().err

    stop.touch()
    assert trained("lost")[0] == 2
    stop.unlink()
    code, log = trained("lost")
    assert (code, "resumed: phase 1" in log) == (0, True)
    code, log = trained("whole")
    assert (code, "resumed: phase" in log) == (0, False)
    assert (tmp_path / "lost/bundle/model.keras").read_bytes() == (tmp_path / "whole/bundle/model.keras").read_bytes()


def test_another_version_of_the_function_begins_anew(tmp_path, monkeypatch):
    """Its source is in the key, by which a training is gone on with."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "own_package").mkdir()
    digests = set()
    for place in ("own_module.py", "own_package/__init__.py", "own_package/part.py"):
        for version in (1, 2):
            (tmp_path / place).write_text(f"VALUE = {version}\n")
            digests.add(source_digest("own_module:f" if "module" in place else "own_package.part:f"))
            assert source_digest(f"{place.partition('/')[0].removesuffix('.py')}:f") in digests
    assert len(digests) == 6
