"""What a person sees while a network is trained: a bar, or a line every few seconds however short the epochs are."""

import logging
import time
from types import TracebackType

from components.step.progress import SECONDS_BETWEEN_LINES, Progress
from components.train.epoch import Epoch

log = logging.getLogger("pawline")


class FittingProgress:
    """Shows phase, images a second, time left, epoch, step, loss and accuracy of `images` still to be seen."""

    def __init__(self, phase: str, epochs: int, steps: int, images: int) -> None:
        """Start counting at zero."""
        self._phase, self._epochs, self._steps = phase, epochs, steps
        self._progress = Progress(f"{phase}, images", max(images, 0))
        self._logged = -SECONDS_BETWEEN_LINES

    def __enter__(self) -> "FittingProgress":
        self._progress.__enter__()
        return self

    def step(self, epoch: int, step: int, images: int, loss: float, accuracy: float) -> None:
        """Count one step of `images` images."""
        place = f"epoch {epoch}/{self._epochs}, step {step}/{self._steps}"
        self._progress.note(f"{place}, loss {loss:.4f}, accuracy {accuracy:.4f}")
        self._progress.advance(images)

    def epoch(self, epoch: Epoch, last: bool) -> None:
        """Log a finished epoch, unless one was logged just before."""
        if not last and time.monotonic() - self._logged < SECONDS_BETWEEN_LINES:
            return
        self._logged = time.monotonic()
        log.info(
            "%s epoch %d: loss %.4f, accuracy %.4f, validation loss %.4f, validation accuracy %.4f",
            self._phase,
            epoch.epoch,
            epoch.loss,
            epoch.accuracy,
            epoch.validation_loss,
            epoch.validation_accuracy,
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.__exit__(kind, error, trace)
