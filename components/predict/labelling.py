"""Image files labelled in threads, in order, in flat memory; a bad file is an answer of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from components.dataset.images import MAX_PIXELS
from components.inference.model import Model
from components.inference.pictures import network_input
from components.predict.files import ImageFile
from components.step.cores import available_cores
from components.step.errors import PawlineError, ServiceError
from components.step.parallel import in_order
from components.storage.store import ObjectUnreadable

AHEAD = 4  # Answers a thread may be ahead of who takes them.
# A store that fails so often in a row is down, and would be asked for each of thousands of files.
FAILURES_IN_A_ROW = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What a file shows, as the server's answer (class, confidence, probabilities), or why nobody can say."""

    filename: str
    described: dict[str, Any] | None
    error: PawlineError | None = None


def threads_for(files: Sequence[ImageFile]) -> int:
    """Return how many threads label `files`: reading from a bucket waits more than it works."""
    return 2 * available_cores() + (14 if any("://" in file.store.uri() for file in files) else 2)


def labelled(model: Model, files: Sequence[ImageFile], threads: int) -> Iterator[Answer]:
    """Yield the answer for each of `files`, in order.

    Raises:
        ServiceError: the store fails for one file after another.
    """
    failures = 0
    for answer in in_order(lambda file: _labelled(model, file), files, threads, AHEAD * threads):
        failures = failures + 1 if _is_the_stores(answer.error) else 0
        if answer.error and failures == FAILURES_IN_A_ROW:
            raise answer.error
        yield answer


def _is_the_stores(error: PawlineError | None) -> bool:
    return isinstance(error, ServiceError) and not isinstance(error, ObjectUnreadable)


def _labelled(model: Model, file: ImageFile) -> Answer:
    try:
        picture = network_input(file.store.read(file.name), model.manifest.image_size, MAX_PIXELS)
        return Answer(file.filename, model.described(model.predict(picture, alone=False)))
    except PawlineError as error:
        return Answer(file.filename, None, error)
