"""Before all else: one spelling of a path, and a refusal at once where there is no room: a flood costs little."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from components.serve.admission.middleware import Envelope, refusal_answer
from components.serve.http.errors import overloaded
from components.serve.work.service import Service

_LET_IN = "pawline.let_in"


class Gate:
    """Around the whole application: refuses images beyond the queue."""

    def __init__(self, app: ASGIApp, service: Service, posting: Sequence[Route]) -> None:
        """Guard the routes `posting` of `app`."""
        self._app, self._service, self._posting = app, service, posting
        self._refusing = Envelope(_refuse, service, None)
        self._coming = 0

    def refusal_of(self, scope: Scope) -> ASGIApp | None:
        """Return the application that refuses a request without waiting for anything, None if it may begin.

        Neither its token is checked nor its body read: ten times as many requests as can be answered must cost little.
        """
        _end_path_plainly(scope)
        if scope["method"] != "POST" or not (route := self._route(scope)):
            return None
        # What is let in takes its place in the queue when its task begins; a crowd comes before that.
        if self._coming + self._service.pool.images >= self._service.pool.queue:
            scope["route"] = route
            return self._refusing
        self._coming += 1
        scope[_LET_IN] = True
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        _end_path_plainly(scope)
        if scope.get(_LET_IN):
            self._coming -= 1
        await self._app(scope, receive, send)

    def _route(self, scope: Scope) -> Route | None:
        return next((route for route in self._posting if route.matches(scope)[0] is Match.FULL), None)


def _end_path_plainly(scope: Scope) -> None:
    """Let `/predict/` be `/predict`: a redirect would lose what is posted, or lead past a proxy to plain http."""
    if scope["type"] == "http" and scope["path"].endswith("/"):
        scope["path"] = scope["path"].rstrip("/") or "/"


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    await refusal_answer(Request(scope), overloaded("images").refusal)(scope, receive, send)
