"""What the benchmarks share: child processes that time themselves, medians, the machine's name, tables."""

import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"


def in_process(module: str, *arguments: str, environment: dict[str, str] | None = None) -> dict[str, float]:
    """Run `python -m module arguments` and return the JSON object on the last line that it prints.

    Each measurement has its own process, so that none warms another's caches and peak memory is its own.
    """
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=os.environ | (environment or {}))
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return json.loads(done.stdout.splitlines()[-1])


def timed(work: Callable[[], object]) -> float:
    """Return the seconds of wall time that `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def peak_mib() -> float:
    """Return the most memory this process held so far, in MiB (Linux)."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Return the median of `values` with the smallest and the largest."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def level(ours: Sequence[float], theirs: Sequence[float]) -> bool:
    """Tell whether no difference between what was measured of two, several times each, is left outside the spread."""
    return min(ours) <= max(theirs) and min(theirs) <= max(ours)


def over(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Return the ratio of the medians of `ours` and `theirs`, and "level" where it is within the spread."""
    ratio = f"{statistics.median(ours) / statistics.median(theirs):.2f}"
    return f"{ratio}, level" if level(ours, theirs) else ratio


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table, all columns but the first right-aligned."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def machine() -> str:
    """Return where and when this was measured, as a sentence."""
    model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    name = model.group(1) if model else platform.machine()
    load = f"load average {os.getloadavg()[2]:.1f} over the last 15 minutes"
    where = f"{os.cpu_count()} cores of {name} with {vectors()}, Python {platform.python_version()}"
    return f"{where}, {date.today().isoformat()}, {load}."


def vectors(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return how many bits the processor computes with at once, by which networks differ most between machines."""
    said = re.search(r"^(?:flags|Features)\s*: (.+)", cpuinfo.read_text(), re.MULTILINE)
    flags = set(said.group(1).split()) if said else set()
    widths = {"avx512f": 512, "avx2": 256, "avx": 256, "sse2": 128, "asimd": 128}
    found = next((f"vectors of {bits} bits" for flag, bits in widths.items() if flag in flags), "vectors unknown")
    return f"{found}, bfloat16" if flags & {"avx512_bf16", "amx_bf16", "bf16"} else found


def publish(section: str, text: str, update: bool, page: Path = PAGE) -> None:
    """Print `text`; with `update` also put it between the marks of `section` in `page`, docs/performance.md."""
    print(text)
    if update:
        marks = f"<!-- {section} -->", f"<!-- end of {section} -->"
        before, _, rest = page.read_text(encoding="utf-8").partition(marks[0])
        _, _, after = rest.partition(marks[1])
        page.write_text(f"{before}{marks[0]}\n{text}\n{marks[1]}{after}", encoding="utf-8")
