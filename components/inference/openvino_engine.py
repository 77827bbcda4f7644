"""The engine of a machine that serves: OpenVINO on the CPU, one image a call, any number of threads calling.

An image is never batched with others: on a CPU that gains nothing, and so the answer to an image does not depend on
what is asked beside it. A lone image gets all cores; several get one each, which wastes none on waiting for each other.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, LifoQueue
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from components.step.cores import available_cores
from components.step.errors import DataError, one_line

if TYPE_CHECKING:
    import openvino

# More threads than this do not make one image of 224 pixels faster.
MOST_THREADS_AN_IMAGE = 8


class OpenVinoEngine:
    """A network compiled by OpenVINO; see `Engine`."""

    name = "openvino"

    def __init__(self, network: bytes, image_size: int, workers: int) -> None:
        """Compile the ONNX `network` for `workers` threads that call at the same time.

        Raises:
            DataError: the engine cannot read or run it.
        """
        runtime = _runtime()
        self.version = str(runtime.get_version()).partition("-")[0]
        try:
            model = runtime.Core().read_model(model=network)
            # A fixed shape is faster than a free one.
            model.reshape({model.input(0): runtime.PartialShape([1, image_size, image_size, 3])})
            cores = min(workers, available_cores())
            # Compiling gives its thread a stack for signals that goes with the model (OpenVINO 2026.4.1): in the main
            # thread the next signal, the one that should end the process in order, would be a segmentation fault.
            with ThreadPoolExecutor(1) as own:
                several = own.submit(_compiled, model, cores, cores).result()
                alone = own.submit(_compiled, model, 1, min(cores, MOST_THREADS_AN_IMAGE)).result()
            self._one_core_each, self._all_cores = _Requests(several, workers), _Requests(alone, 1)
        except RuntimeError as error:
            raise DataError(_refused(error, self.version)) from error

    def run(self, image: NDArray[np.uint8], alone: bool) -> NDArray[np.float32]:
        """Return the probabilities, float32 `[classes]`, of `image`, uint8 RGB `[H, W, 3]`.

        `alone` says that nothing else is being predicted; only the time depends on it, and the last bits.
        """
        if alone and (request := self._all_cores.take_free()):
            return self._all_cores.run(request, image)
        return self._one_core_each.run(self._one_core_each.take(), image)


class _Requests:
    """The compiled model's requests, each with an input buffer of its own, for one thread at a time."""

    def __init__(self, compiled: "openvino.CompiledModel", count: int) -> None:
        self._free: LifoQueue[Any] = LifoQueue()  # The last one used has its memory in the cache still.
        for _ in range(count):
            self._free.put(compiled.create_infer_request())

    def take(self) -> Any:
        return self._free.get()

    def take_free(self) -> Any | None:
        try:
            return self._free.get_nowait()
        except Empty:
            return None

    def run(self, request: Any, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        try:
            request.get_input_tensor().data[0] = image
            request.infer()
            return np.array(request.get_output_tensor(0).data[0], np.float32)  # The probabilities.
        finally:
            self._free.put(request)


def _runtime() -> Any:
    # OpenVINO imports a converter, needless here, that reports every import to Google Analytics. None forbids that.
    sys.modules.setdefault("openvino.tools.ovc", None)  # type: ignore[arg-type]  # None is Python's own way to forbid.
    import openvino

    return openvino


def _compiled(model: "openvino.Model", streams: int, threads: int) -> "openvino.CompiledModel":
    options = {
        "INFERENCE_PRECISION_HINT": "f32",  # Left alone, it takes bfloat16 where the processor has it: errors of 5e-3.
        "NUM_STREAMS": streams,
        "INFERENCE_NUM_THREADS": threads,
        "ENABLE_CPU_PINNING": False,  # A thread pinned to a core that another process uses waits for that one core.
    }
    return _runtime().Core().compile_model(model, "CPU", options)


def _refused(error: RuntimeError, version: str) -> str:
    lines = str(error).strip().splitlines()
    what = one_line(lines[-1] if lines else type(error).__name__)
    return f"The network must run on OpenVINO {version}. Received: {what}. Train again or serve another one."
