"""The process that sends queues to MLflow: the one it follows while a training appends to it, then those left over."""

import os
import select
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.step.errors import one_line
from components.tracking import queue
from components.tracking.delivery import Delivery, Rejected
from components.tracking.events import public_uri, without_passwords

if TYPE_CHECKING:
    from mlflow import MlflowClient

EVENTS_AT_ONCE = 200
FIRST_PAUSE, LONGEST_PAUSE = 0.3, 15.0
REFUSED = "refused for good: "


def send(client: "MlflowClient", folder: Path, key: str) -> str:
    """Send what there is of the queue `key` in `folder`; remove it when all was sent and its run is over.

    Returns:
        Why something is left: what MLflow or its connection said, on one line; "" if nothing is.
    """
    with queue.locked_for_sending(folder, key) as mine:
        if not mine:
            return "another process sends it"
        state = replace(queue.read_state(folder, key), busy=False)
        queue.write_state(folder, key, state)
        written = queue.is_written(folder, key)  # Before reading: what comes later is read next time.
        try:
            _send_all(client, folder, key, state)
            if not written:
                _close(client, folder, key, state)
        except Exception as error:
            # Whatever MLflow, its database or the network says: the queue keeps the events.
            state.error = _why(error)
            queue.write_state(folder, key, state)
        return state.error


def _send_all(client: "MlflowClient", folder: Path, key: str, state: queue.State) -> None:
    delivery = Delivery(client, state, lambda: queue.write_state(folder, key, state))
    while batch := _batch(queue.read_events(folder, key, state.sent, EVENTS_AT_ONCE)):
        if state.error:
            queue.write_state(folder, key, state)
        _deliver_batch(client, delivery, folder, [event for _, event in batch])
        state.sent, state.error = batch[-1][0], ""
        queue.write_state(folder, key, state)


def _deliver_batch(client: "MlflowClient", delivery: Delivery, folder: Path, events: list[dict[str, Any]]) -> None:
    """Deliver `events`; where they begin a run that other queues in `folder` share, as the only one to do so."""
    if not events[0].get("run") or events[0].get("kind") != "start":
        _deliver(delivery, events)
        return
    with queue.locked_for_beginning(folder):
        _deliver(delivery, [{**event, "began": queue.began(folder)} for event in events])
    queue.write_place(folder, public_uri(client.tracking_uri), delivery.state)


def _batch(events: list[tuple[int, dict[str, Any]]]) -> list[tuple[int, dict[str, Any]]]:
    """Return the first of `events`, with those that follow it if all are metrics."""
    count = next((i for i, (_, event) in enumerate(events) if event.get("kind") != "metrics"), len(events))
    return events[: max(count, 1)]


def _deliver(delivery: Delivery, events: list[dict[str, Any]]) -> None:
    """Deliver `events`; those that MLflow will never take are told on standard output and dropped."""
    try:
        delivery.deliver(events)
    except Rejected as error:
        if len(events) == 1:
            print(f"{REFUSED}{_why(error)}", flush=True)
            return
        for event in events:
            _deliver(delivery, [event])
    except (KeyError, TypeError, AttributeError) as error:  # A line that is no event, as after a damaged disk.
        print(f"{REFUSED}{_why(error)}", flush=True)


def _close(client: "MlflowClient", folder: Path, key: str, state: queue.State) -> None:
    """Remove a queue whose writer is gone; a run that never said how it ended was killed."""
    events = [event for _, event in queue.read_events(folder, key, 0, queue.MAX_BYTES)]
    start = next((event for event in events if event.get("kind") == "start"), {})
    if events and events[-1].get("kind") != "finish":
        Delivery(client, state, lambda: None).end("KILLED", bool(start.get("run_id")), int(events[-1].get("time", 0)))
        if start.get("keyed"):
            return  # It may be gone on with.
    queue.remove(folder, key)


def follow(client: "MlflowClient", folder: Path, key: str, parent: int) -> None:
    """Send the queue `key` as it grows until its writer closes standard input or dies, then once more what is left."""
    pause, closed, leftovers = FIRST_PAUSE, False, queue.keys(folder)
    while not closed:
        error = send(client, folder, key)
        if not error and leftovers:
            send_matching(client, folder, leftovers.pop(0), key)
            continue
        pause = min(pause * 2, LONGEST_PAUSE) if error else FIRST_PAUSE
        closed = closed_within(pause, parent)
    send(client, folder, key)


def send_matching(client: "MlflowClient", folder: Path, key: str, own: str = "") -> str | None:
    """Send the queue `key`; return None instead if it is `own`, still written, or was meant for another MLflow."""
    events = queue.read_events(folder, key, 0, 1)
    target = events[0][1].get("target") if events else None
    if key == own or queue.is_written(folder, key) or target not in (None, public_uri(client.tracking_uri)):
        return None
    return send(client, folder, key)


def closed_within(seconds: float, parent: int) -> bool:
    """Wait `seconds`; return True at once when standard input ends or the parent is not the process `parent`."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        ready, _, _ = select.select([sys.stdin], [], [], min(left, 1.0))
        if ready and not os.read(sys.stdin.fileno(), 1024):
            return True
        if os.getppid() != parent:
            return True
    return False


def _why(error: Exception) -> str:
    return one_line(without_passwords(" ".join(str(error).split())) or type(error).__name__)
