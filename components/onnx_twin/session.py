"""A network in ONNX Runtime on the CPU, with the threads of this process and no more, asleep whenever they wait."""

from pathlib import Path
from typing import TYPE_CHECKING

from components.step.cores import available_cores

if TYPE_CHECKING:
    import onnxruntime


def cpu_session(network: Path | bytes, threads: int = 0) -> "onnxruntime.InferenceSession":
    """Return a session of the ONNX `network` with `threads` to each call, as many as there are cores if 0.

    Threads that share an image wait for each other at each of its layers. Left alone, ONNX Runtime's spin meanwhile,
    and so do those of a session that nobody asks anything: twice the processor time, and half the speed where another
    process wants the same cores. Nor does it know of a container's limit.

    Raises:
        Exception: ONNX Runtime's own, as its classes share no other base: it cannot read the network.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or available_cores()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
