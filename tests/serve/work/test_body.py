"""Bodies that arrive: bounded apart from what waits, and ended when they keep no pace."""

import asyncio
from collections.abc import Iterable
from contextlib import ExitStack
from itertools import chain, repeat

import pytest
from starlette.requests import Request

from components.serve.http.errors import RequestRefused
from components.serve.work import pool
from components.serve.work.body import LEAST_BYTES, arrived
from tests.serve.test_limits import HEAD, RED, bundle, connected, small_service  # noqa: F401 - a fixture
from tests.support.serving import eventually


def test_bodies_that_do_not_come_take_no_place(bundle):  # noqa: F811
    # No fewer than may be heard at once: heads that come together are counted until each has begun.
    with small_service(bundle, queue=64) as (service, server), ExitStack() as stack:
        for _ in range(250):
            stack.enter_context(connected(server)).sendall(HEAD % (len(RED), b"") + RED[:10])
        eventually(lambda: service.pool.arriving == 250)
        assert server.post("/predict", RED)[0] == server.get("/health")[0] == 200


@pytest.mark.parametrize("path", ["/predict", "/batch_predict", "/model_input", "/v2/models/classifier/infer"])
def test_bodies_that_arrive_are_bounded_in_number(bundle, monkeypatch, path):  # noqa: F811
    monkeypatch.setattr(pool, "MOST_ARRIVING", 2)
    head = HEAD.replace(b"/predict", path.encode()) % (len(RED), b"")
    with small_service(bundle) as (service, server), connected(server) as first, connected(server) as second:
        for connection in (first, second):
            connection.sendall(head)
        eventually(lambda: service.pool.arriving == 2)
        assert server.post(path, RED)[0] == 503
        first.close()
        eventually(lambda: service.pool.arriving == 1)
        assert server.post(path, RED)[0] != 503


def test_bodies_that_arrive_leave_room_for_those_that_are_there():
    counting = pool.Pool(1, 10, 1000, 300)
    with counting.ticket() as there, counting.ticket() as coming, counting.ticket() as another:
        with there.arriving():
            there.take_bytes(400)
        with coming.arriving(), another.arriving():
            coming.take_bytes(300)
            with pytest.raises(RequestRefused):
                another.take_bytes(300)
            assert counting.bytes == 700
        assert (counting.arriving, counting.arriving_bytes) == (0, 0)
    assert counting.bytes == counting.images == 0
    counting.stop()


class QuickLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes at once while everything waits."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead, self._really = 0.0, self._selector.select
        self._selector.select = self._select

    def time(self) -> float:
        return super().time() + self._ahead

    def _select(self, timeout: float | None) -> list[object]:
        self._ahead += timeout or 0.0
        return self._really(0)


def seconds_of(pauses: Iterable[float], size: int, limit: float) -> tuple[float, int]:
    """Return how long a body of pieces of `size` bytes, each after a pause, is waited for, and how many came."""
    came = []

    async def read() -> float:
        async def receive() -> dict[str, object]:
            await asyncio.sleep(next(left))
            came.append(size)
            return {"type": "http.request", "body": bytes(size), "more_body": True}

        left, loop = iter(pauses), asyncio.get_running_loop()
        request = Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)
        holding, began = pool.Pool(1, 1, 1 << 30), loop.time()
        with holding.ticket() as ticket, pytest.raises(RequestRefused, match=r"must arrive within"):
            await arrived(request, ticket, 1 << 30, limit)
        holding.stop()
        return loop.time() - began

    with asyncio.Runner(loop_factory=QuickLoop) as runner:
        return runner.run(read()), len(came)


@pytest.mark.parametrize(
    ("pause", "size", "seconds"),
    [(1.0, 1, 25), (0.1, 1, 25), (26.0, 1 << 20, 25), (20.0, LEAST_BYTES, 100), (1.0, 1 << 20, 100), (24.0, 100, 25)],
)
def test_a_body_that_drips_is_ended_soon_and_any_in_the_end(pause, size, seconds):
    assert seconds_of(repeat(pause), size, 100.0)[0] == pytest.approx(seconds, abs=1)


def test_what_came_at_once_buys_no_time_to_drip():
    seconds, pieces = seconds_of(chain([0.0] * 100, repeat(1.0)), LEAST_BYTES - 1, 100.0)
    assert seconds == pytest.approx(100, abs=1)
    assert pieces > 150
    assert seconds_of(chain([0.0] * 100, repeat(30.0)), LEAST_BYTES, 100.0)[0] == pytest.approx(25, abs=1)
