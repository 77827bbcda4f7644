"""What the routes share: the model in service, the workers, the limits."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request

from components.serve.http.errors import RequestRefused, busy, too_large
from components.serve.model.model import ServedModel
from components.serve.settings import Settings
from components.serve.work.body import read_body
from components.serve.work.metrics import Metrics
from components.serve.work.pictures import network_input
from components.serve.work.pool import Pool, Ticket
from components.step.cores import available_cores

Item = TypeVar("Item")
Result = TypeVar("Result")


class Service:
    """A model, exchangeable at any time, and the workers that run it."""

    def __init__(self, settings: Settings) -> None:
        """Have no model yet."""
        self.settings = settings
        self.pool = Pool(settings.workers or 2 * available_cores() + 2, settings.queue, settings.max_buffered_bytes)
        self.metrics = Metrics(self.pool)
        self.draining = False
        self._model: ServedModel | None = None

    @property
    def ready(self) -> bool:
        """Whether requests are answered."""
        return self._model is not None and not self.draining

    @property
    def model(self) -> ServedModel:
        """The model in service; whoever answers a request asks once.

        Raises:
            RequestRefused: 503, there is none yet.
        """
        if self._model is None:
            raise busy("not_ready", "The model is being loaded. Try again a little later.")
        return self._model

    def put_into_service(self, model: ServedModel) -> None:
        """Answer with `model` from now on; requests that have begun end with the one they began with."""
        self._model = model
        self.metrics.model_changed(model.identity)

    @asynccontextmanager
    async def job(self, request: Request) -> AsyncIterator["Job"]:
        """Yield the work that `request` asks for, its body read.

        Raises:
            RequestRefused: as `read_body`; 408, the body comes too slowly; 503, no model, or too much is in flight.
        """
        model = self.model
        deadline = asyncio.get_running_loop().time() + self.settings.timeout
        with self.pool.admitted() as ticket:
            try:
                async with asyncio.timeout_at(deadline):
                    body = await read_body(request, ticket, self.settings.max_body_bytes)
            except TimeoutError:
                message = f"A body must arrive within {self.settings.timeout:g} seconds."
                raise RequestRefused(408, "timeout", message, {"Connection": "close"}) from None
            yield Job(self, model, body, ticket, deadline)


@dataclass(frozen=True, slots=True)
class Job:
    """One request's work: its `body`, the `model` it gets, until `deadline`."""

    service: Service
    model: ServedModel
    body: bytes
    ticket: Ticket
    deadline: float

    async def run(self, work: Callable[[], Result]) -> Result:
        """Return what `work` returns in a worker thread.

        Raises:
            RequestRefused: 503, it takes too long.
        """
        try:
            async with asyncio.timeout_at(self.deadline):
                return await self.service.pool.run(work)
        except TimeoutError:
            raise busy("timeout", "The work took longer than a request may. Try again a little later.") from None

    async def run_each(self, work: Callable[[Item], Result], items: list[Item]) -> list[Result]:
        """Return what `work` returns for each of `items`, each in a worker thread, in order.

        Raises:
            RequestRefused: 413, there are more than a batch may have; 503, no room for them, or it takes too long.
        """
        most = self.service.settings.max_batch
        if len(items) > most:
            raise too_large(f"A batch must have at most {most} images. Received: {len(items)}. Send fewer at a time.")
        self.ticket.take_images(max(0, len(items) - 1))
        return list(await asyncio.gather(*(self.run(lambda item=item: work(item)) for item in items)))  # type: ignore[misc]

    def picture(self, data: bytes) -> NDArray[np.uint8]:
        """Return the image file `data` as the network sees it; in a worker thread, raises as `network_input`."""
        return network_input(data, self.model.manifest.image_size, self.service.settings.max_pixels)

    def probabilities(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the network's probabilities of `picture`; in a worker thread."""
        with self.service.metrics.prediction():
            found = self.model.predict(picture, self.service.pool.alone)
        self.service.metrics.predicted(self.model.class_names[int(np.argmax(found))])
        return found
