"""What the routes share: the model in service, the workers, the limits."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request

from components.inference.model import Model
from components.serve.http.errors import busy, too_large
from components.serve.http.turns import Turns
from components.serve.settings import Settings
from components.serve.work.body import arrived
from components.serve.work.compression import coding_of, inflated
from components.serve.work.metrics import Metrics
from components.serve.work.pictures import LargePicture, network_input
from components.serve.work.pool import Pool, Ticket
from components.step.cores import available_cores

Item = TypeVar("Item")
Result = TypeVar("Result")


class Service:
    """A model, exchangeable at any time, and the workers that run it."""

    def __init__(self, settings: Settings) -> None:
        """Have no model yet."""
        self.settings = settings
        workers = settings.workers or 2 * available_cores() + 2
        self.turns = Turns()
        self.pool = Pool(workers, settings.queue, settings.max_buffered_bytes, settings.max_body_bytes)
        self.metrics = Metrics(self.pool)
        self.draining = False
        self._model: Model | None = None

    @property
    def ready(self) -> bool:
        """Whether requests are answered."""
        return self._model is not None and not self.draining

    @property
    def model(self) -> Model:
        """The model in service; whoever answers a request asks once.

        Raises:
            RequestRefused: 503, there is none yet.
        """
        if self._model is None:
            raise busy("not_ready", "The model is being loaded. Try again a little later.")
        return self._model

    def put_into_service(self, model: Model) -> None:
        """Answer with `model` from now on; requests that have begun end with the one they began with."""
        self._model = model
        self.metrics.model_changed(model.identity)

    @asynccontextmanager
    async def job(self, request: Request) -> AsyncIterator["Job"]:
        """Yield the work that `request` asks for, its body read.

        Raises:
            RequestRefused: as `arrived`, `coding_of` and `inflated`; 503, no model, or too much is in flight.
        """
        model, coding = self.model, coding_of(request)
        deadline = asyncio.get_running_loop().time() + self.settings.timeout
        with self.pool.ticket() as ticket:
            with ticket.arriving():
                body = await arrived(request, ticket, self.settings.max_body_bytes, self.settings.timeout)
            ticket.take_images(1)
            job = Job(self, model, body, ticket, deadline)
            if coding:
                run, most = job.run_aside, self.settings.max_body_bytes
                job = replace(job, body=await inflated(body, coding, ticket, run, most))
            yield job


@dataclass(frozen=True, slots=True)
class Job:
    """One request's work: its `body`, the `model` it gets, until `deadline`; only one that `may_be_large` is."""

    service: Service
    model: Model
    body: bytes
    ticket: Ticket
    deadline: float
    may_be_large: bool = False

    async def run(self, work: Callable[["Job"], Result]) -> Result:
        """Return what `work` returns in a worker thread for this job, or for one that may decode a large picture.

        Raises:
            RequestRefused: 503, it takes too long.
        """
        pool = self.service.pool
        async with self._in_time():
            try:
                return await pool.run(lambda: work(self))
            except LargePicture:  # Seen in its header; begun anew when it is its turn.
                large = replace(self, may_be_large=True)
                return await pool.run_large(lambda: work(large))

    async def run_aside(self, work: Callable[[], Result]) -> Result:
        """Return what `work` returns in a worker thread; raises as `run`."""
        async with self._in_time():
            return await self.service.pool.run(work)

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout_at(self.deadline):
                yield
        except TimeoutError:
            raise busy("timeout", "The work took longer than a request may. Try again a little later.") from None

    async def run_each(self, work: Callable[["Job", Item], Result], items: list[Item]) -> list[Result]:
        """Return what `work` returns for each of `items`, each in a worker thread as `run` does, in order.

        Raises:
            RequestRefused: 413, there are more than a batch may have; 503, no room for them, or it takes too long.
        """
        most = self.service.settings.max_batch
        if len(items) > most:
            raise too_large(f"A batch must have at most {most} images. Received: {len(items)}. Send fewer at a time.")
        self.ticket.take_images(max(0, len(items) - 1))
        return list(await asyncio.gather(*(self.run(lambda job, item=item: work(job, item)) for item in items)))  # type: ignore[misc]

    def picture(self, data: bytes) -> NDArray[np.uint8]:
        """Return the image file `data` as the network sees it; in a worker thread, raises as `network_input`."""
        side, most = self.model.manifest.image_size, self.service.settings.max_pixels
        return network_input(data, side, most, self.may_be_large)

    def probabilities(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the network's probabilities of `picture`; in a worker thread."""
        service = self.service
        with service.pool.computing(service.turns.crowded), service.metrics.prediction():
            found = self.model.predict(picture, service.pool.alone)
        service.metrics.predicted(self.model.class_names[int(np.argmax(found))])
        return found
