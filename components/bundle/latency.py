"""How long one image takes on this machine: the ONNX network of a bundle, one call after another."""

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from components.bundle.golden import read_golden
from components.bundle.manifest import GOLDEN, ONNX_NETWORK, Manifest, verify_file
from components.onnx_twin.ends import INPUT, OUTPUT
from components.onnx_twin.session import cpu_session
from components.step.cores import available_cores
from components.step.errors import DataError, one_line

WARM_UP_CALLS = 5
CALLS = 100
SECONDS = 3.0  # A slow network is measured with fewer calls.
FEWEST_CALLS = 5


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of one image through the network: the median and the 95th percentile of `calls`."""

    median_ms: float
    p95_ms: float
    calls: int


def measure_latency(bundle: Path, manifest: Manifest) -> Latency:
    """Return the latency of the bundle's ONNX network, one image at a time, with ONNX Runtime on this machine's CPU.

    The image is the first golden one; decoding and resizing are not counted.

    Raises:
        DataError: the bundle is damaged, or its network does not run.
    """
    for name in (GOLDEN, ONNX_NETWORK):
        verify_file(bundle, manifest, name)
    image = read_golden(bundle).images[:1]
    try:
        return _timed(cpu_session(bundle / ONNX_NETWORK), image)
    except Exception as error:  # onnxruntime raises classes of its own on a network it cannot run.
        what = f"{bundle / ONNX_NETWORK}: {type(error).__name__}: {one_line(error)}"
        raise DataError(f"The network must run on its golden images. Received: {what}. Train again.") from error


def measured_on() -> dict[str, Any]:
    """Return what a latency depends on besides the network: ONNX Runtime's version and the cores it may use."""
    import onnxruntime

    return {"onnxruntime": onnxruntime.__version__, "cores": available_cores()}


def _timed(session: Any, image: Any) -> Latency:
    for _ in range(WARM_UP_CALLS):
        session.run([OUTPUT], {INPUT: image})
    found: list[float] = []
    began = time.perf_counter()
    while len(found) < FEWEST_CALLS or (len(found) < CALLS and time.perf_counter() - began < SECONDS):
        start = time.perf_counter()
        session.run([OUTPUT], {INPUT: image})
        found.append(1000 * (time.perf_counter() - start))
    return Latency(round(median(found), 3), round(quantiles(found, n=20, method="inclusive")[-1], 3), len(found))
