"""What the shell happens to set changes no bit of what a network learns."""

import json
import os
import subprocess
import sys

import pytest

from tests.support.one_core import on_one_core
from tests.support.serving import ROOT

LEARN = """
from components.network.devices import prefer_determinism
prefer_determinism()
from components.network.keras_runtime import keras
import hashlib, numpy as np
keras.utils.set_random_seed(3)
layers = [keras.layers.Conv2D(16, 3, activation="relu") for _ in range(3)]
network = keras.Sequential([keras.Input((32, 32, 3)), *layers, keras.layers.GlobalAveragePooling2D(),
                            keras.layers.Dense(3, activation="softmax")])
images = np.random.default_rng(0).random((32, 32, 32, 3), np.float32)
network.compile("adam", "sparse_categorical_crossentropy")
network.fit(images, np.arange(32) % 3, epochs=2, batch_size=8, verbose=0)
learnt = [network.predict_on_batch(images[:8]), *network.get_weights()]
print(hashlib.sha256(b"".join(values.tobytes() for values in learnt)).hexdigest())
"""
SHELLS = [
    {"TF_ENABLE_ONEDNN_OPTS": "0", "TF_NUM_INTRAOP_THREADS": "1"},
    {"ONEDNN_DEFAULT_FPMATH_MODE": "BF16", "TF_DETERMINISTIC_OPS": "0", "OMP_NUM_THREADS": "1"},
    {"DNNL_MAX_CPU_ISA": "SSE41", "TF_XLA_FLAGS": "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit"},
]


def learnt(**shell: str) -> str:
    """Return the digest of what a small network learns in a process of its own with `shell` in its environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "ONEDNN_"))}
    command = [sys.executable, "-c", LEARN]
    done = subprocess.run(command, cwd=ROOT, env=clean | shell, capture_output=True, text=True, check=True)
    return done.stdout.split()[-1]


@pytest.fixture(scope="module")
def expected() -> str:
    return learnt()


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: "-".join(shell))
def test_what_a_shell_sets_changes_no_bit(shell, expected):
    assert learnt(**shell) == expected


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system gives no process cores of its own")
def test_the_number_of_cores_changes_no_bit(expected):
    with on_one_core():
        assert learnt() == expected


def test_what_the_home_folder_holds_changes_no_bit(expected, tmp_path):
    settings = {"floatx": "float64", "epsilon": 1e-3, "image_data_format": "channels_first"}
    (tmp_path / "keras.json").write_text(json.dumps(settings | {"backend": "tensorflow"}))
    assert learnt(KERAS_HOME=str(tmp_path)) == expected
