"""The engine of a machine that trains but does not serve: ONNX Runtime on the CPU, one image a call."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from components.onnx_twin.session import cpu_session
from components.step.errors import DataError, one_line


class OnnxRuntimeEngine:
    """A network in ONNX Runtime; see `Engine`."""

    name = "onnxruntime"

    def __init__(self, network: bytes, workers: int) -> None:
        """Read the ONNX `network` for `workers` threads.

        Raises:
            DataError: ONNX Runtime cannot read or run it.
        """
        import onnxruntime

        self.version = str(onnxruntime.__version__)
        try:
            self._session = cpu_session(network, 1 if workers > 1 else 0)  # A core each, where there are several.
            self._input = self._session.get_inputs()[0].name
            self.outputs = [output.name for output in self._session.get_outputs()]
        except Exception as error:  # onnxruntime raises classes of its own.
            raise self._refused(error) from error

    def run(self, image: NDArray[np.uint8], alone: bool) -> NDArray[np.float32]:
        """Return the probabilities, float32 `[classes]`, of `image`, uint8 RGB `[H, W, 3]`."""
        return self.values(image, self.outputs[:1])[0]

    def values(self, image: NDArray[np.uint8], outputs: Sequence[str]) -> list[NDArray[np.float32]]:
        """Return what each of the network's `outputs` gives for `image`, float32."""
        try:
            return [
                np.asarray(batch[0], np.float32) for batch in self._session.run(outputs, {self._input: image[None]})
            ]
        except Exception as error:
            raise self._refused(error) from error

    def _refused(self, error: Exception) -> DataError:
        what = f"{type(error).__name__}: {one_line(error, 200)}"
        return DataError(f"The network must run on ONNX Runtime {self.version}. Received: {what}. Train again.")
