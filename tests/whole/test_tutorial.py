"""docs/tutorial.md: every command on it works, in order, on photos in the folders that it shows."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.support.patience import PATIENCE

ROOT = Path(__file__).parents[2]
BASH = shutil.which("bash") or "bash"
PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
# Commands that bring software onto a machine: this one has it already, and a test needs no network.
INSTALLING = ("make setup", "python3 -m venv", "pip install")
LAYOUT = re.compile(r"^(\w+)/(\w+)/(\d\d)\.jpg … \1/\2/(\d\d)\.jpg$", re.MULTILINE)
COLOURS = {"apple": (200, 40, 40), "banana": (220, 200, 60), "pear": (90, 160, 60)}
SHORT = 3  # Sections up to this one have one training.


@dataclass(frozen=True)
class Section:
    """A part of the page: its heading, its commands, and the files it speaks of."""

    heading: str
    commands: list[str]
    files: list[str]


def sections() -> list[Section]:
    parts = re.split(r"^##? ", PAGE, flags=re.MULTILINE)[1:]
    return [
        Section(part.splitlines()[0], commands_in(part), re.findall(r"`(run\.yaml|runs/[^`]+)`", part))
        for part in parts
    ]


def commands_in(text: str) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def draw(label: str, seed: int, path: Path) -> None:
    """Draw a fruit somewhere on a noisy table."""
    random = np.random.default_rng(seed)
    table = random.normal(150 + random.integers(-40, 40), 12, (120, 160, 3)).clip(0, 255).astype(np.uint8)
    picture = Image.fromarray(table)
    pen, x, y = ImageDraw.Draw(picture), int(random.integers(20, 80)), int(random.integers(10, 50))
    if label == "apple":
        pen.ellipse((x, y, x + 60, y + 60), fill=COLOURS[label])
    elif label == "banana":
        pen.rectangle((x, y + 20, x + 70, y + 38), fill=COLOURS[label])
    else:
        pen.polygon([(x + 30, y), (x, y + 60), (x + 60, y + 60)], fill=COLOURS[label])
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


class Reader:
    """Somebody who types the page's commands in one folder; `seconds` each took are kept for the report."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seconds = folder, dict[str, float]()
        self._write_photos()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = folder.parent / "bin" / "pawline"
        command.parent.mkdir()
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pipeline.cli "$@"\n')
        command.chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if "DISPLAY" not in name and "PAWLINE" not in name}
        paths = {"PATH": f"{command.parent}{os.pathsep}{kept['PATH']}", "PYTHONPATH": str(ROOT)}
        self.environment = {**kept, **paths, "PAWLINE_SERVE_PORT": str(self.port)}

    def _write_photos(self) -> None:
        found = LAYOUT.findall(PAGE)
        assert {(folder, label) for folder, label, *_ in found} == {(f, c) for f in ("photos", "more") for c in COLOURS}
        for folder, label, first, last in found:
            for number in range(int(first), int(last) + 1):
                shown = "apple" if (label, number) == ("pear", 20) else label  # The one with a wrong label.
                draw(shown, 100 * ord(label[0]) + number, self.folder / folder / label / f"{number:02}.jpg")
        draw("apple", 1, self.folder / "new.jpg")

    def types(self, command: str) -> str:
        """Run `command`; return what it printed. It must succeed."""
        began = time.monotonic()
        typed = command.replace("localhost:8080", f"127.0.0.1:{self.port}")
        done = subprocess.run(
            [BASH, "-c", typed], cwd=self.folder, env=self.environment, capture_output=True, text=True,
            timeout=2 * PATIENCE, check=False,
        )  # fmt: skip
        self.seconds[command] = time.monotonic() - began
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def serving(self, command: str) -> Iterator[None]:
        """Run `command`, a server, until the context ends; it must listen before, and end in order."""
        began = time.monotonic()
        process = subprocess.Popen(
            [BASH, "-c", f"exec {command}"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while not self._answers():
                assert process.poll() is None
                assert time.monotonic() - began < PATIENCE
                time.sleep(0.2)
            self.seconds[command] = time.monotonic() - began
            yield
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 0

    def _answers(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/v2/health/ready", timeout=PATIENCE) as answer:
                return answer.status == 200
        except OSError:  # Nobody listens yet, or what does is not ready.
            return False

    def reads(self, section: Section) -> dict[str, str]:
        """Do what `section` says; return what each command printed."""
        typed = [command for command in section.commands if not command.startswith(INSTALLING)]
        if typed and typed[0].startswith("pawline serve"):
            with self.serving(typed[0]):
                printed = {command: self.types(command) for command in typed[1:]}
        else:
            printed = {command: self.types(command) for command in typed}
        assert [name for name in section.files if "<" not in name and not (self.folder / name).exists()] == []
        return printed


@pytest.fixture
def reader(tmp_path: Path, record_property, capsys) -> Iterator[Reader]:
    """The reader, whose times are reported at the end; they decide nothing."""
    (tmp_path / "home").mkdir()
    someone = Reader(tmp_path / "home")
    yield someone
    with capsys.disabled():
        for command, seconds in someone.seconds.items():
            record_property(command, round(seconds, 1))
            print(f"{seconds:6.1f} s  {command}")


def test_three_commands_lead_from_a_clean_machine_to_a_prediction():
    [first, *_] = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    setup, run, predict = first.splitlines()
    assert setup.startswith("make setup")
    assert run.startswith("pawline run --param annotations_uri=photos")
    assert predict == "pawline predict last new.jpg"


def test_what_is_not_run_only_installs():
    left = [command for section in sections() for command in section.commands if command.startswith(INSTALLING)]
    assert [re.sub(r" && source .venv/bin/activate$", "", command) for command in left] == [
        "make setup", "python3 -m venv .venv", 'pip install -e ".[train,serve,pipeline]"',
    ]  # fmt: skip
    assert "setup" in re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_the_first_minutes(reader: Reader):
    printed = {command: text for section in sections()[:SHORT] for command, text in reader.reads(section).items()}
    check_first_minutes(reader.folder, printed)


def check_first_minutes(folder: Path, printed: dict[str, str]) -> None:
    assert re.search(
        r"test accuracy +[01]\.\d+", printed["pawline run --param annotations_uri=photos --param images_uri=photos"]
    )
    assert re.search(r"% +apple +new\.jpg", printed["pawline predict last new.jpg"])
    assert "test accuracy" in printed["pawline show last"]
    assert printed["pawline open last"].strip().endswith("test/report.html")
    answers = (folder / "answers.csv").read_text(encoding="utf-8").splitlines()
    assert len(answers) == 1 + 15


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("curl"), reason="the page asks the server with curl")
def test_the_whole_page(reader: Reader):
    printed = {command: text for section in sections() for command, text in reader.reads(section).items()}
    check_first_minutes(reader.folder, printed)
    assert {"more", "smoothed"} <= set(
        re.findall(r"\w+", printed["pawline runs"] + printed["pawline compare more smoothed"])
    )
    answer = json.loads(printed["curl --data-binary @new.jpg localhost:8080/predict"])
    assert answer["class"] == "apple"
    left = {path.parent.name for path in (reader.folder / "runs").glob("*/run.json")}
    assert "smoothed" in left
    assert "more" not in left
    assert "MB removed" in printed["pawline clean --keep 1 --yes"]
