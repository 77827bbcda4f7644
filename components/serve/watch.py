"""Loads the model, and looks whether its source has another one."""

import asyncio
from dataclasses import dataclass
from time import perf_counter

from components.serve.http.access_log import log_event
from components.serve.http.background import aside
from components.serve.model.memory import spare_garbage_collector
from components.serve.model.model import ServedModel, load_model
from components.serve.model.source import Source
from components.serve.work.service import Service
from components.step.errors import DataError, PawlineError

TRIES = 5


async def load(service: Service, source: Source) -> str:
    """Put what `source` has into service; return its revision.

    Raises:
        DataError: there is no bundle, or it is damaged.
        ServiceError: the source does not answer.
    """
    began = perf_counter()
    revision = await aside(source.revision)
    model = await aside(lambda: _loaded(service, source, revision))
    service.put_into_service(model)
    spare_garbage_collector()
    log_event("model in service", **model.identity, seconds=round(perf_counter() - began, 3))
    return revision


async def watch(service: Service, source: Source, revision: str) -> None:
    """Put every changed bundle of `source` into service, forever; `revision` is what is in service.

    The old one is kept while the source does not answer, and when the changed one may not be served. Such a one is
    tried a few times more, as part of it may be on its way still.
    """
    watched = _Watched(revision)
    while True:
        await asyncio.sleep(service.settings.watch)
        try:
            await _look(service, source, watched)
            watched.problem = ""
        except PawlineError as error:
            if str(error) != watched.problem:  # An outage is one line in the log, not one a look.
                log_event("model kept", message=str(error))
            watched.problem = str(error)


@dataclass
class _Watched:
    """The revision in service, the changed one that was refused last and how often, and what was logged last."""

    served: str
    refused: str = ""
    times: int = 0
    problem: str = ""


async def _look(service: Service, source: Source, watched: _Watched) -> None:
    found = await aside(source.revision)
    if found == watched.served or (found == watched.refused and watched.times >= TRIES):
        return
    try:
        model = await aside(lambda: _loaded(service, source, found))
    except DataError:
        watched.times = watched.times + 1 if found == watched.refused else 1
        watched.refused = found
        if watched.times == 1:
            service.metrics.model_refused()
        raise
    service.put_into_service(model)
    watched.served = found
    log_event("model in service", **model.identity)


def _loaded(service: Service, source: Source, revision: str) -> ServedModel:
    settings = service.settings
    with source.bundle(revision) as found:
        name, version = settings.model_name or found.name, settings.model_version or found.version
        return load_model(found.directory, name, version, service.pool.workers)
