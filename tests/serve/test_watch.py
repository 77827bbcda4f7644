"""Nothing that goes wrong with a new model reaches the one in service: one line in the log, and the look after it."""

import asyncio
import concurrent.futures
import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.bundle.manifest import MANIFEST
from components.inference.source import FolderSource, Found
from components.serve import watch as watching
from components.serve.settings import Settings
from components.serve.work.service import Service
from components.step.errors import PawlineError
from tests.support.hostile_bundles import seal
from tests.support.patience import PATIENCE
from tests.support.serving import colour_bundle


class Malformed(BaseException):
    """What a library may raise that means no end of the program."""


WRONG = [
    RecursionError("maximum recursion depth exceeded"), MemoryError(), KeyError("model_version"), StopIteration(),
    AttributeError("'NoneType' object has no attribute 'version'"), json.JSONDecodeError("Expecting value", "<", 0),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"), SystemExit(3), KeyboardInterrupt(), Malformed("a\nb"),
    asyncio.CancelledError(), concurrent.futures.CancelledError(), TimeoutError(), OSError(5, "Input/output error"),
]  # fmt: skip


class Source:
    """Has the bundle of each revision in turn; an exception in its place is raised."""

    def __init__(self, *revisions: object, raised_by: str = "bundle") -> None:
        self._left, self._raised_by, self.looks = list(revisions), raised_by, 0
        self._wrong: BaseException | None = None

    def revision(self) -> str:
        self.looks += 1
        now = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        self._wrong = now if isinstance(now, BaseException) else None
        if self._wrong and self._raised_by == "revision":
            raise self._wrong
        return f"revision {self.looks}" if self._wrong else str(now)

    @contextlib.contextmanager
    def bundle(self, revision: str) -> Iterator[Found]:
        if self._wrong:
            raise self._wrong
        yield Found(Path(revision), "classifier", "")


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service(Settings(workers=1, watch=0.001, access_log=False))
    yield made
    made.pool.stop()


@pytest.fixture
def bundles(tmp_path: Path) -> list[Path]:
    return [colour_bundle(tmp_path / name, scale) for name, scale in (("a", 1.0), ("b", 2.0))]


async def until_served(service: Service, source: watching.Source, before: str) -> None:
    """Watch `source` until another model than `before` is in service."""
    task = asyncio.create_task(watching.watch(service, source, "before"))
    async with asyncio.timeout(PATIENCE):
        while service.model.digest == before:
            assert not task.done(), task.exception()
            await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("raised_by", ["revision", "bundle"])
@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: type(wrong).__name__)
def test_whatever_goes_wrong_with_a_new_model_the_old_one_stays_and_the_next_comes(
    service, bundles, wrong, raised_by, capsys
):
    async def run() -> None:
        await watching.load(service, FolderSource(bundles[0]))
        before = service.model.digest
        await until_served(service, Source(wrong, wrong, bundles[1], raised_by=raised_by), before)

    asyncio.run(run())
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in events] == ["model in service", "model kept", "model in service"]
    assert events[1]["message"].isprintable()


@pytest.mark.parametrize("raised_by", ["revision", "bundle"])
@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: type(wrong).__name__)
def test_at_the_start_whatever_goes_wrong_is_one_line(service, wrong, raised_by):
    with pytest.raises(PawlineError) as caught:
        asyncio.run(watching.load(service, Source(wrong, raised_by=raised_by)))
    assert str(caught.value).isprintable()


def test_a_hostile_bundle_is_refused_and_the_next_taken(service, bundles, tmp_path):
    hostile = colour_bundle(tmp_path / "c", 3.0)
    (hostile / MANIFEST).write_text("[" * 100_000)
    other = colour_bundle(tmp_path / "d", 3.0)
    seal(other, image_size=300)

    async def run() -> None:
        await watching.load(service, FolderSource(bundles[0]))
        await until_served(service, Source(hostile, other, bundles[1]), service.model.digest)

    asyncio.run(run())
    assert b"pawline_model_refused_total 2.0" in service.metrics.text()


def test_a_model_that_never_loads_is_given_up_once_and_does_not_hold_up_another(service, bundles, monkeypatch):
    let_go, loaded = threading.Event(), []

    def load_model(directory: Path, *rest: object) -> object:
        loaded.append(directory.name)
        if directory.name == "never":
            monkeypatch.setattr(watching, "PATIENCE_SECONDS", PATIENCE)  # For the next, on a busy machine.
            let_go.wait()
        return real(directory, *rest)

    real = watching.load_model
    bundles[1].rename(later := bundles[1].with_name("later"))
    source = Source(*["never"] * 10, later)

    async def run() -> None:
        await watching.load(service, FolderSource(bundles[0]))
        monkeypatch.setattr(watching, "load_model", load_model)
        monkeypatch.setattr(watching, "PATIENCE_SECONDS", 0.5)
        await until_served(service, source, service.model.digest)

    try:
        asyncio.run(run())
    finally:
        let_go.set()
    assert loaded.count("never") == 1
    assert loaded[-1] == "later"


def test_a_bundle_that_was_refused_again_and_again_is_taken_once_it_is_whole(service, bundles, monkeypatch):
    """A slow copy brings the small manifest long before the network, and the registry's store may be away a while."""

    class Late:
        """Has one revision, whose files are whole after so many tries."""

        tries = 0

        def revision(self) -> str:
            return "late"

        @contextlib.contextmanager
        def bundle(self, revision: str) -> Iterator[Found]:
            self.tries += 1
            whole = self.tries > 2 * watching.TRIES
            yield Found(bundles[1] if whole else bundles[1] / "not there yet", "classifier", "")

    async def run() -> None:
        await watching.load(service, FolderSource(bundles[0]))
        await until_served(service, Late(), service.model.digest)

    monkeypatch.setattr(watching, "PAUSE_SECONDS", 0.002)
    asyncio.run(run())
    assert b"pawline_model_refused_total 1.0" in service.metrics.text()


def test_a_bundle_that_stays_bad_is_not_loaded_with_each_look(service, bundles):
    source = Source(*[Path("nowhere")] * 50, bundles[1])

    async def run() -> None:
        await watching.load(service, FolderSource(bundles[0]))
        await until_served(service, source, service.model.digest)

    tried = []
    source.bundle = lambda revision, real=source.bundle: tried.append(revision) or real(revision)
    asyncio.run(run())
    assert tried == ["nowhere"] * watching.TRIES + [str(bundles[1])]
