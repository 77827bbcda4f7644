"""Sends what is left in queue folders to MLFLOW_TRACKING_URI: `python -m components.tracking QUEUE_FOLDER...`."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from components.step.counts import counted
from components.step.errors import PawlineError, ServiceError, UsageError, one_line
from components.step.left_out import UNUSED, left_out
from components.step.secrets import no_secrets_said
from components.tracking import queue
from components.tracking.events import check_tracking_uri, without_passwords
from components.tracking.sender import closed_within
from components.tracking.shared_run import is_sent_later

# MLflow's import takes more than a second of a processor. Where a step's events are sent after its end anyway, what
# lives no longer than this is not followed.
WORTH_SECONDS = 10.0


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `python -m components.tracking`."""
    parser = argparse.ArgumentParser(prog="python -m components.tracking", description=__doc__, allow_abbrev=False)
    parser.add_argument("queue_folders", nargs="+", type=Path, metavar="QUEUE_FOLDER", help="where events were kept")
    parser.add_argument("--follow", default="", help=argparse.SUPPRESS)  # A tracker's own: this queue as it grows.
    return parser


@no_secrets_said()
def main(argv: Sequence[str] | None = None) -> int:
    """Send what is left; return 0 if all was sent."""
    arguments = build_parser().parse_args(argv)
    try:
        if arguments.follow:
            _follow(arguments.queue_folders[0], arguments.follow)
        else:
            _replay(arguments.queue_folders)
    except PawlineError as error:
        print(f"pawline tracking: error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _follow(folder: Path, key: str) -> None:
    parent = os.getppid()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # So that temporary folders are removed.
    state = queue.read_state(folder, key)
    if is_sent_later(os.environ) and closed_within(WORTH_SECONDS, parent):
        return
    try:
        from components.tracking.connection import connect, is_there

        # With imports, which take seconds: a server that is slow or gone is not worth the wait for them.
        queue.write_state(folder, key, replace(state, error="", busy=is_there(os.environ["MLFLOW_TRACKING_URI"])))
        from components.tracking.database import make_database
        from components.tracking.sender import follow

        make_database(os.environ["MLFLOW_TRACKING_URI"])
        client = connect(os.environ)
        queue.write_state(folder, key, replace(state, error="", busy=False))
    except Exception as error:
        # Nobody sees this process: the tracker reads why from the state.
        why = f"{type(error).__name__}: {without_passwords(str(error))}"
        queue.write_state(folder, key, replace(state, error=one_line(why)))
        return
    follow(client, folder, key, parent)


def _replay(folders: Sequence[Path]) -> None:
    waiting = [(folder, key) for folder in folders for key in _keys(folder)]
    if not waiting:
        print("nothing to send")
        return
    _mark_busy(waiting, True)  # With imports, which take seconds.
    from components.tracking.connection import connect
    from components.tracking.sender import send_matching

    uri = _target(waiting)
    check_tracking_uri(uri)
    try:
        client = connect({**os.environ, "MLFLOW_TRACKING_URI": uri})
    except Exception as error:  # A database says it in any class.
        received = one_line(without_passwords(str(error)))
        raise ServiceError(f"MLflow must be there. Received: {received}. Correct MLFLOW_TRACKING_URI.") from error
    _mark_busy(waiting, False)
    failed = []
    for folder, key in waiting:
        why = send_matching(client, folder, key)
        print(f"{key}: {'skipped, it belongs to another MLflow or a live run' if why is None else why or 'sent'}")
        failed += [why] if why else []
    if failed:
        raise ServiceError(
            f"MLflow must take the events. Received: {one_line(failed[-1])}. "
            f"{counted(len(failed), 'queue')} kept; try later."
        )


def _mark_busy(waiting: Sequence[tuple[Path, str]], busy: bool) -> None:
    """Say in the first queue's state, for whoever waits for this process, whether it is at something else than sending.

    What a process that was killed said in the others is taken back.
    """
    for number, (folder, key) in enumerate(waiting):
        with queue.locked_for_sending(folder, key) as mine:
            if mine:
                queue.write_state(folder, key, replace(queue.read_state(folder, key), busy=busy and number == 0))


def _keys(folder: Path) -> list[str]:
    if folder.is_dir():
        return queue.keys(folder)
    raise UsageError(f"QUEUE_FOLDER must be a folder. Received: {one_line(folder)}. Name where events were kept.")


def _target(waiting: Sequence[tuple[Path, str]]) -> str:
    """Return MLFLOW_TRACKING_URI, or what the first queue that says so was meant for, if it is known without a secret.

    Raises:
        UsageError: it is not: an address to be shown may be another's.
    """
    if uri := os.environ.get("MLFLOW_TRACKING_URI"):
        return uri
    # One that cannot be read, or of another version, must not hold up the others.
    first = [event for folder, key in waiting for _, event in queue.read_events(folder, key, 0, 1)]
    start = next((event for event in first if isinstance(event.get("target"), str)), {})
    if start.get("whole") is True:
        return str(start["target"])
    raise UsageError(
        "MLFLOW_TRACKING_URI must say where to send, as the queue keeps no password. "
        f"Received: a queue for {one_line(start.get('target') or 'nobody', 200)}. Set it."
    )


if __name__ == "__main__":
    with left_out(*UNUSED):
        sys.exit(main())
