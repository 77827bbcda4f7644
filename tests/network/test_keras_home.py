"""What Keras keeps lies with other caches, unless the user has a place for it; HOME itself gets nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAID = "import matplotlib; print(keras.src.backend.config.keras_home())"
LOAD = f"from components.network.keras_runtime import keras; {SAID}"


@pytest.mark.parametrize(
    ("there", "given", "found"),
    [
        ([], {}, ".cache/pawline/keras"),
        ([], {"XDG_CACHE_HOME": "{home}/caches"}, "caches/pawline/keras"),
        ([], {"KERAS_HOME": "{home}/own"}, "own"),
        ([".keras"], {}, ".keras"),
    ],
)
def test_keras_keeps_its_things_in_a_cache(there: list[str], given: dict[str, str], found: str, tmp_path: Path) -> None:
    for name in there:
        (tmp_path / name).mkdir()
    others = {name: value for name, value in os.environ.items() if name not in ("KERAS_HOME", "XDG_CACHE_HOME")}
    own = {name: value.format(home=tmp_path) for name, value in given.items()}
    environment = {**others, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), **own}
    command = [sys.executable, "-c", LOAD]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == str(tmp_path / found)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / found / "keras.json"]
