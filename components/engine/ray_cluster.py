"""Units of work given to a Ray cluster, which schedules them, and repeats those whose nodes are lost."""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import ray
from ray.exceptions import GetTimeoutError, ObjectStoreFullError, OutOfDiskError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from components.engine.node import Places, program_here
from components.engine.stream import RETRIES, Stream
from components.engine.units import Failure, Outcome
from components.step.counts import counted
from components.step.errors import ServiceError, UsageError, first_ten, one_line

log = logging.getLogger("pawline")

Unit = TypeVar("Unit")
Result = TypeVar("Result")

# A worker process begins with imports.
NODE_SECONDS = 120.0
QUIET_SECONDS = 60.0
# What Ray says of a head that this process lost.
Lost = (RayError, ConnectionError)
HEAD = {"node:__internal_head__": 0.001}  # A resource that Ray gives to the head alone.
DIED = f"its worker died {RETRIES + 1} times, as it does where memory is short"


class RayCluster:
    """The cluster that this process is connected to, at `address`."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._stream: Any = None

    def check_nodes(self, places: Places = ()) -> None:
        """Ask each node whether it has this program and sees every object of `places`.

        Raises:
            UsageError: one has other code or libraries, or none of ours.
            ServiceError: one does not see an object, or does not answer.
        """
        ask = _asking(program_here(), places)
        asked = {node: (_on(node, ask), host) for node, host in _alive().items()}
        for node, (answer, host) in asked.items():
            try:
                outcome: Outcome | None = ray.get(answer, timeout=NODE_SECONDS)
            except Lost as error:
                if node not in _alive():  # Lost since, which is no matter.
                    continue
                raise self._lost(f"node {host}: {_first_line(error)}") from error
            if outcome is None:
                raise UsageError(
                    "The nodes of a Ray cluster must have Pawline's code. "
                    f"Received: none on {one_line(host)}. Use one image for the step and the cluster."
                )
            if outcome.failure:
                raise outcome.failure.error(outcome.failure.text)
        log.info("Ray cluster: %s, %d cores", counted(len(asked), "node"), ray.cluster_resources().get("CPU", 0))

    def each(
        self,
        work: Callable[[Unit], Result],
        units: Sequence[Unit],
        name: Callable[[Unit], str],
        places: Places = (),
    ) -> Iterator[tuple[Unit, Result]]:
        """Yield each of `units` with what `work` makes of it on a node of the cluster, as it comes.

        A unit that fails does not keep the others from being done: the error comes last, and names such by `name`.
        Ray pickles `work`, units and results between its own processes.

        Raises:
            UsageError: a worker has another program.
            ServiceError: a worker sees an object of `places` not, the cluster was lost, or units were.
            PawlineError: `work` raised it.
        """
        missing, failures = dict(enumerate(units)), dict[int, Failure]()
        for outcome in self._outcomes(work, units, places):
            if not outcome.failure:
                yield missing.pop(outcome.index), outcome.result
            elif outcome.failure.refused:
                raise outcome.failure.error(outcome.failure.text)
            else:
                failures[outcome.index] = outcome.failure
        if missing:
            raise _failed([name(unit) for unit in missing.values()], len(units), failures)

    def _outcomes(self, work: Callable[[Unit], Result], units: Sequence[Unit], places: Places) -> Iterator[Outcome]:
        if not units:
            return
        try:
            self._stream = self._stream or ray.remote(Stream).options(num_cpus=0, resources=HEAD).remote()
            ray.get(self._stream.begin.remote(ray.put(work), ray.put(list(units)), program_here(), places))
            while outcome := self._waited_for(self._stream.take.remote()):
                yield outcome
        except (ObjectStoreFullError, OutOfDiskError) as error:
            raise self._full(error) from error
        except Lost as error:
            raise self._lost(_first_line(error)) from error

    def _waited_for(self, answer: Any) -> Outcome | None:
        while True:
            try:
                found: Outcome | None = ray.get(answer, timeout=QUIET_SECONDS)
                return found
            except GetTimeoutError:
                cores = ray.cluster_resources().get("CPU", 0)
                log.info("waiting for the Ray cluster: %s, %d cores", counted(len(_alive()), "node"), cores)

    def _lost(self, why: str) -> ServiceError:
        return ServiceError(
            f"A Ray cluster must answer until the work is done. Received: {one_line(self._address, 120)}: {why}. "
            "Look at its pods, and run again: what was done is kept."
        )

    def _full(self, error: Exception) -> ServiceError:
        return ServiceError(
            "The object store of a Ray cluster and the disk that it spills to must have room. "
            f"Received: {one_line(self._address, 120)}: {_first_line(error)}. Give its nodes more memory or disk."
        )


def _alive() -> dict[str, str]:
    """Return the host of each node that is alive, by the node's id."""
    return {node["NodeID"]: node["NodeManagerHostname"] for node in ray.nodes() if node["Alive"]}


def _asking(facts: dict[str, str], places: Places) -> Callable[[], Any]:
    def ask() -> Any:
        # Pickled by value, being a function of a function: it runs where our code is not.
        try:
            from components.engine.units import attempt
        except ImportError:
            return None
        return attempt(lambda _: None, 0, None, facts, places)

    return ask


def _on(node: str, ask: Callable[[], Any]) -> Any:
    # A task and not Ray Data, which cannot say where one runs.
    placed = NodeAffinitySchedulingStrategy(node_id=node, soft=False)
    return ray.remote(ask).options(num_cpus=0, max_retries=0, scheduling_strategy=placed).remote()


def _failed(names: list[str], total: int, failures: dict[int, Failure]) -> Exception:
    first = failures[min(failures)] if failures else None
    told = f"{counted(len(names), 'unit')} of {total} failed: {first_ten(names)}. What the others did is kept."
    if not first:
        return ServiceError(f"A unit of the work must leave its worker alive. Received: {DIED}. {told}")
    return first.error(f"{first.text} {told}")


def _first_line(error: BaseException) -> str:
    error = getattr(error, "cause", None) or error  # Of a task, which otherwise begins with its traceback.
    return one_line(str(error).strip().partition("\n")[0] or type(error).__name__)
