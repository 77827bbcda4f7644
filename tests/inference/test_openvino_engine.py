"""OpenVINO in a process that goes on living after a network: one that is replaced, or done with."""

import subprocess
import sys
from pathlib import Path

from components.step.own_processes import own_environment

ROOT = Path(__file__).parents[2]
NETWORK = ROOT / "tests" / "support" / "old_bundles" / "format-1" / "model.onnx"
PROGRAM = """
import faulthandler, os, signal, sys
from pathlib import Path
from components.inference.openvino_engine import OpenVinoEngine

faulthandler.enable()  # Its signals, as Python's own, are handled on the stack that the thread has for them.
network = Path(sys.argv[1]).read_bytes()
engines = [OpenVinoEngine(network, 8, 2) for _ in range(2)]
while engines:
    del engines[0]
try:
    os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_a_signal_is_heard_after_networks_have_come_and_gone():
    command = [sys.executable, "-c", PROGRAM, str(NETWORK)]
    done = subprocess.run(command, env=own_environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "interrupted\n"), done.stderr
