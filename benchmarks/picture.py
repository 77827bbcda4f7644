"""The README's picture, drawn anew: the test report of a run of the sample, as Chromium shows it."""

import argparse
import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

PICTURE = Path(__file__).parents[1] / "docs" / "report.png"
WIDTH, HEIGHT = 1120, 920


def main() -> None:
    """Run the sample, or take the report that is named, and draw it."""
    parser = argparse.ArgumentParser(prog="benchmarks.picture", description=__doc__)
    parser.add_argument("--report", type=Path, help="the report to draw (that of a new run of the sample)")
    report = parser.parse_args().report
    with tempfile.TemporaryDirectory() as folder:
        draw(report or sample_report(Path(folder)), Path(folder))


def sample_report(folder: Path) -> Path:
    """Return the test report of a run of the sample, kept in `folder`."""
    command = [sys.executable, "-m", "pipeline.cli", "run", "--sample", "--runs", str(folder / "runs"), "--run-id", "r"]
    subprocess.run(command, check=True)
    return folder / "runs" / "r" / "test" / "report.html"


def draw(report: Path, folder: Path) -> None:
    """Write the upper part of `report` to the picture, in 256 colours, which is enough for it; work in `folder`."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if not browser:
        sys.exit("Chromium must be there to draw the report. Received: none on PATH. Install it.")
    raw = folder / "raw.png"
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={WIDTH},{HEIGHT}"]
    place = report.resolve().as_uri()
    command = [browser, *flags, f"--user-data-dir={folder / 'browser'}", f"--screenshot={raw}", place]
    subprocess.run(command, check=True, capture_output=True)
    with Image.open(raw) as image:
        drawn = io.BytesIO()
        image.convert("RGB").quantize(256).save(drawn, "PNG", optimize=True)
    PICTURE.write_bytes(drawn.getvalue())


if __name__ == "__main__":
    main()
