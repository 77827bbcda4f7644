"""The part that runs in the cluster: Ray Data maps the work over the units, and gives what came of each as it comes.

It is an actor beside the cluster's head: Ray Data itself does not work through Ray Client, which a step's pod uses.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import ray.data

from components.engine.node import Places
from components.engine.units import Outcome, attempt

# Of a unit whose worker dies, by itself or with its node: as many as Ray gives other tasks. Ray Data has no end of it.
RETRIES = 3


class Stream:
    """What comes of the units, one after the other in any order; memory holds few results, however many there are."""

    def __init__(self) -> None:
        """Have no units yet."""
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.max_errored_blocks = -1  # A unit that is lost for good leaves the others alone.
        self._outcomes: Iterator[dict[str, Any]] = iter(())

    def begin(self, work: Callable[[Any], Any], units: Sequence[Any], facts: dict[str, str], places: Places) -> None:
        """Begin to do `work` on `units`, each in a task of its own, where `attempt` finds the program of `facts`."""

        def done(row: dict[str, Any]) -> dict[str, Any]:
            return {"outcome": attempt(work, row["index"], row["unit"], facts, places)}

        rows = [{"index": index, "unit": unit} for index, unit in enumerate(units)]
        tasks = ray.data.from_items(rows, override_num_blocks=len(rows)).map(done, max_retries=RETRIES)
        self._outcomes = iter(tasks.iter_rows())

    def take(self) -> Outcome | None:
        """Return what came of another unit, None if there is no other; those that were lost are not among them."""
        row = next(self._outcomes, None)
        return None if row is None else row["outcome"]
