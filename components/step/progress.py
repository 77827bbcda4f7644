"""Progress of long work: a bar on a terminal, a line every few seconds in a pod's log."""

import logging
import shutil
import sys
import time
from types import TracebackType

from components.step.durations import duration

log = logging.getLogger("pawline")

SECONDS_BETWEEN_LINES = 5.0
SECONDS_BETWEEN_BARS = 0.1
BAR_WIDTH = 24


class Progress:
    """Counts finished items of `total` and shows how far, how fast and how long still."""

    def __init__(self, title: str, total: int, quiet: bool = False) -> None:
        """Start counting at zero; `title` begins each line, and nothing but `say` shows where it is to be `quiet`."""
        self.title, self.total, self.done, self.text = title, total, 0, ""
        self._terminal, self._quiet = sys.stderr.isatty(), quiet
        self._started = self._shown = time.monotonic()
        self._first, self._first_done = self._started, 0

    def __enter__(self) -> "Progress":
        return self

    def advance(self, n: int = 1) -> None:
        """Count `n` more items and show them if it is time to."""
        if not self.done:
            self._first, self._first_done = time.monotonic(), n
        self.done += n
        self._show_now_and_then()

    def note(self, text: str) -> None:
        """Show `text` behind the counts, e.g. the loss of the last epoch."""
        self.text = text

    def say(self, line: str) -> None:
        """Write `line` to stderr, above the bar where there is one."""
        print(f"\r\x1b[K{line}" if self._terminal else line, file=sys.stderr, flush=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._terminal:
            sys.stderr.write("\r\x1b[K")
        if error is None and not self._quiet:
            seconds = time.monotonic() - self._started
            text = f", {self.text}" if self.text else ""
            taken = f"{seconds:.1f} s" if seconds < 60 else duration(seconds)
            log.info("%s: %d done in %s%s", self.title, self.done, taken, text)

    def _show_now_and_then(self) -> None:
        now = time.monotonic()
        if self._quiet or now - self._shown < (SECONDS_BETWEEN_BARS if self._terminal else SECONDS_BETWEEN_LINES):
            return
        self._shown = now
        if self._terminal:
            columns = shutil.get_terminal_size().columns  # A line that wraps could not be drawn over.
            sys.stderr.write("\r\x1b[K" + f"{self._bar()} {self._line(now)}"[: columns - 1])
            sys.stderr.flush()
        else:
            log.info("%s", self._line(now))

    def _bar(self) -> str:
        filled = BAR_WIDTH * min(self.done, self.total) // max(self.total, 1)
        return "█" * filled + "░" * (BAR_WIDTH - filled)

    def _line(self, now: float) -> str:
        rate = self._rate(now)
        left = max(self.total - self.done, 0) / max(rate, 1e-9)
        text = f", {self.text}" if self.text else ""
        return f"{self.title}: {self.done}/{self.total}, {rate:.1f}/s, {duration(round(left))} left{text}"

    def _rate(self, now: float) -> float:
        """Return the items a second; the first, on which a network is compiled, count only until there are more."""
        if self.done > self._first_done:
            return (self.done - self._first_done) / max(now - self._first, 1e-9)
        return self.done / max(now - self._started, 1e-9)
