"""Loads the model, and looks whether its source has another one.

Nothing that comes from outside may end a server that answers: whatever goes wrong with a new model, the old one stays.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from time import monotonic, perf_counter
from typing import TypeVar

from components.inference.model import Model, load_model
from components.inference.source import Source
from components.serve.http.access_log import log_event
from components.serve.http.background import aside
from components.serve.memory import spare_garbage_collector
from components.serve.work.service import Service
from components.step.errors import DataError, PawlineError, ServiceError, one_line

TRIES = 5
# After so many a changed bundle is tried only so often: it costs what loading costs, and may be put right any time.
PAUSE_SECONDS = 300.0
# A large bundle over a slow network takes a minute; a network that is built to compute for hours is not waited for.
PATIENCE_SECONDS = 600.0

Result = TypeVar("Result")


class TooSlow(DataError):
    """A model that is still being loaded; its thread cannot be ended, so it is not begun again."""


async def load(service: Service, source: Source, found: Callable[[], None] = lambda: None) -> str:
    """Put what `source` has into service; return its revision. `found` is called once it is known to have a bundle.

    Raises:
        DataError: there is no bundle, or it is damaged.
        ServiceError: the source does not answer.
    """
    began = perf_counter()
    revision = await _revision(source)
    found()
    model = await _model(service, source, revision)
    service.put_into_service(model)
    spare_garbage_collector()
    log_event("model in service", **model.identity, seconds=round(perf_counter() - began, 3))
    return revision


async def watch(service: Service, source: Source, revision: str) -> None:
    """Put every changed bundle of `source` into service, forever; `revision` is what is in service.

    The old one is kept while the source does not answer, and when the changed one may not be served. Such a one is
    tried again with each look, as part of it may be on its way still, and after a few times now and then.
    """
    watched = _Watched(revision)
    while True:
        await asyncio.sleep(service.settings.watch)
        try:
            await _look(service, source, watched)
            watched.problem = ""
        except Exception as error:
            if str(error) != watched.problem:  # An outage is one line in the log, not one a look.
                log_event("model kept", message=one_line(error, 2000))
            watched.problem = str(error)


@dataclass
class _Watched:
    """The revision in service, the changed one refused last, how often and until when, and what was logged last."""

    served: str
    refused: str = ""
    times: int = 0
    until: float = 0.0
    problem: str = ""

    def refuse(self, revision: str, is_final: bool) -> None:
        """Note that `revision` was refused; `is_final` that it is not to be tried again."""
        self.times = self.times + 1 if revision == self.refused else 1
        self.refused = revision
        pause = inf if is_final else PAUSE_SECONDS if self.times >= TRIES else 0.0
        self.until = monotonic() + pause

    def may_try(self, revision: str) -> bool:
        return revision != self.served and (revision != self.refused or monotonic() >= self.until)


async def _look(service: Service, source: Source, watched: _Watched) -> None:
    found = await _revision(source)
    if not watched.may_try(found):
        return
    try:
        model = await _model(service, source, found)
    except DataError as error:
        watched.refuse(found, is_final=isinstance(error, TooSlow))
        if watched.times == 1:
            service.metrics.model_refused()
        raise
    service.put_into_service(model)
    watched.served = found
    log_event("model in service", **model.identity)


async def _revision(source: Source) -> str:
    try:
        return await _in_one_line(source.revision, "looked for")
    except TooSlow as error:  # It says nothing about a bundle.
        raise ServiceError(str(error)) from error


async def _model(service: Service, source: Source, revision: str) -> Model:
    return await _in_one_line(lambda: _loaded(service, source, revision), "loaded")


async def _in_one_line(work: Callable[[], Result], done: str) -> Result:
    """Return what `work` returns, beside the event loop.

    Raises:
        PawlineError: it raised that; a DataError, whatever else it raised; TooSlow, it takes too long.
    """
    limit = asyncio.timeout(PATIENCE_SECONDS)
    try:
        async with limit:
            return await aside(work)
    except PawlineError:
        raise
    except Exception as error:
        if limit.expired():
            rule = f"A model must be {done} within {PATIENCE_SECONDS:g} seconds"
            raise TooSlow(f"{rule}. Received: no answer yet. Look at its source, or serve another one.") from error
        received = f"{type(error).__name__}: {one_line(error)}"
        raise DataError(f"A model must be there and whole. Received: {received}. Serve another one.") from error


def _loaded(service: Service, source: Source, revision: str) -> Model:
    settings = service.settings
    with source.bundle(revision) as found:
        name, version = settings.model_name or found.name, settings.model_version or found.version
        return load_model(found.directory, name, version, service.pool.workers)
