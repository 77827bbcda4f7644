"""What steps have no use for is not imported; tests/whole/test_end_to_end.py looks at a whole run."""

import subprocess
import sys
from pathlib import Path

import pytest

from components.step.left_out import left_out

ROOT = Path(__file__).parents[2]
# Each imports pandas, scipy, scikit-learn, matplotlib or boto3 wherever it finds them.
CURIOUS = {
    "Keras": "from components.network.keras_runtime import keras",
    "TensorBoard": "from components.tracking.tensorboard import EventFile, Path\nEventFile(Path('{}'))",
    "MLflow": "with left_out(*UNUSED): from mlflow import MlflowClient; import mlflow.store.tracking.sqlalchemy_store",
}


@pytest.mark.parametrize("who", CURIOUS)
def test_who_imports_what_it_finds_does_without(tmp_path, who):
    code = (
        f"from components.step.left_out import UNUSED, left_out\n{CURIOUS[who].format(tmp_path)}\nimport sys\n"
        "assert not {*UNUSED, 'boto3'} & set(sys.modules)\n"
        "import pandas"  # A user's own network may.
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_module_is_left_out_for_a_while(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "found_once.py").touch()
    (tmp_path / "found_early.py").touch()
    __import__("found_early")
    with left_out("found_once", "found_early"):
        __import__("found_early")
        with pytest.raises(ModuleNotFoundError, match="No module named 'found_once'"):
            __import__("found_once")
    __import__("found_once")
