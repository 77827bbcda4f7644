"""A backbone of a user's own is imported and looked at before anything else happens, and never called."""

import os
import sys
from pathlib import Path

import pytest

from components.parameters import own_functions
from components.parameters.later_steps import RULES
from components.parameters.networks import all_facts_of, check_network
from components.parameters.own_function import Declared, find_build
from components.parameters.own_functions import declared_by_own
from components.step.errors import UsageError

ROOT = Path(__file__).parents[2]
OWN = "tests.support.own_networks"


@pytest.fixture(autouse=True)
def _found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))


@pytest.mark.parametrize(
    ("function", "declared"),
    [
        ("build", Declared(224, 1, True)),
        ("of_a_size", Declared(224, 1, True)),
        ("with_options", Declared(224, 1, True)),
        ("Network", Declared(224, 1, True)),
        ("narrow", Declared(32, 1, True)),
        ("large", Declared(64, 48, False)),
    ],
)
def test_what_can_be_called_with_an_image_size_passes_and_says_what_it_declares(
    function: str, declared: Declared
) -> None:
    assert declared_by_own(f"{OWN}:{function}") == declared


REFUSED = {
    f"{OWN}:no_size": "does not take an image size",
    f"{OWN}:two": "does not take an image size",
    f"{OWN}:with_defaults": "does not take an image size",
    f"{OWN}:odd": "image_size must be a positive integer",
    f"{OWN}:number": "of type int",
    f"{OWN}:absent": "RuntimeError: no absent today",
    "os:system": "Python's own",
    "os:popen": "Python's own",
    "shutil:rmtree": "Python's own",
    "builtins:int": "Python's own",
    "numpy:zeros": "Python's own, or not written in Python",
    "nothing:here": "ModuleNotFoundError: No module named 'nothing'",
}


@pytest.mark.parametrize(("name", "said"), REFUSED.items())
def test_what_train_would_refuse_is_refused_in_the_same_words(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as early:
        declared_by_own(name)
    assert "\n" not in str(early.value)
    assert name.partition(":")[2] in str(early.value)
    if "odd" not in name:  # What it declares is looked at behind it.
        with pytest.raises(UsageError) as late:
            find_build(name)
        assert str(late.value) == str(early.value)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import no_such_package_at_all\n", "No module named 'no_such_package_at_all'"),
        ("def build(image_size:\n", "SyntaxError"),
        ("raise ValueError('first\\nsecond')\n", r"ValueError: first\\nsecond .*\.py, line 1"),
        ("import sys; sys.exit(3)\n", "SystemExit: 3"),
        ("import os; os._exit(3)\n", "ends Python with 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)\n", "ends Python with -9"),
    ],
)
def test_a_module_that_cannot_be_imported_is_one_line(
    source: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "networks_that_fail.py").write_text(source + "\ndef build(image_size): ...\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UsageError, match=said) as refused:
        check_network("networks_that_fail:build", "none", 0)
    assert "\n" not in str(refused.value)
    assert "networks_that_fail" not in sys.modules


def test_what_a_module_prints_is_not_taken_for_its_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "chatty.py").write_text("print('{}')\ndef build(image_size): ...\nbuild.image_size = 7\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert declared_by_own("chatty:build") == Declared(7, 1, True)


def test_a_module_that_never_ends_is_left_for_train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "endless.py").write_text("import time\nwhile True: time.sleep(1)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(own_functions, "SECONDS", 2)
    assert declared_by_own("endless:build") is None


def test_sizes_and_fine_tuning_are_checked_by_what_it_declares() -> None:
    check_network(f"{OWN}:large", "none", 48)
    with pytest.raises(UsageError, match="must be at least 48 pixels a side"):
        check_network(f"{OWN}:large", "none", 47)
    tune = RULES["backbone", "fine_tune_epochs"]
    tune(f"{OWN}:large", 1)
    for name in (f"{OWN}:build", "small_cnn", "Small-CNN"):
        tune(name, 0)
        with pytest.raises(UsageError, match="Fine-tuning needs a pretrained backbone"):
            tune(name, 1)
    assert all_facts_of("VGG16").trained_from_scratch is False
