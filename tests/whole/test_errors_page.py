"""docs/errors.md: each mistake on it is made for real, and says in one line exactly what the page shows."""

import io
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

from components.storage.s3 import s3_client
from pipeline.cli.main import main
from pipeline.cli.parser import build_parser
from pipeline.local import run as local_run
from tests.support.mistaken_world import make_world

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^## [^\n]+ \(exit code (\d)\)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```console\n\$ (.+)\n(.+)\n```\n", re.MULTILINE)
SHORTENED = "…"  # As the page says: more of the same.
# What a run prints beside the one line: its progress.
PROGRESS = re.compile(r"\d\d:\d\d:\d\d \w+ *\| (?!pawline )")


@dataclass(frozen=True)
class Mistake:
    """A command of the page, the one line it ends with, and the exit code of its section."""

    command: str
    line: str
    exit_code: int


MISTAKES = [
    Mistake(*found.groups(), int(section[1]))
    for section in SECTION.finditer(PAGE)
    for found in BLOCK.finditer(section[2])
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder, which each mistake is made in a copy of."""
    return make_world(tmp_path_factory.mktemp("errors") / "project")


@pytest.fixture
def here(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The copy, as working folder; nothing of the environment's stores."""
    folder = tmp_path / "project"
    shutil.copytree(world, folder)
    monkeypatch.chdir(folder)
    for name in [name for name in os.environ if name.startswith(("AWS_", "PAWLINE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "absent"))
    s3_client.cache_clear()
    return folder


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    """Real ports for those on the page: at 8080 somebody listens, at 9000 and 5000 nobody does."""
    with socket.socket() as taken, socket.socket() as store, socket.socket() as registry:
        for held in (taken, store, registry):  # Bound, so that nobody else can listen there.
            held.bind(("127.0.0.1", 0))
        taken.listen()
        yield {"8080": taken.getsockname()[1], "9000": store.getsockname()[1], "5000": registry.getsockname()[1]}


@pytest.fixture
def steps_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the same commands of the steps without the second or two that each process takes to start."""

    def run_here(command: Sequence[str], environment: Mapping[str, str], log: Path, on_line) -> int:
        said = io.StringIO()
        with redirect_stderr(said):
            exit_code: int = import_module(f"{command[2]}.step").main(command[3:])
        for line in said.getvalue().splitlines():
            on_line(line)
        return exit_code

    monkeypatch.setattr(local_run, "run_process", run_here)


def words_of(command: str, ports: Mapping[str, int]) -> tuple[dict[str, str], list[str]]:
    """Return the variables that `command` sets, and its words behind `pawline`, with the ports of this machine."""
    for shown, real in ports.items():
        command = re.sub(rf"(?<=[ :]){shown}\b", str(real), command)
    words = shlex.split(command)
    start = words.index("pawline")
    return dict(word.split("=", 1) for word in words[:start]), words[start + 1 :]


def said_by(text: str, here: Path, ports: Mapping[str, int]) -> list[str]:
    """Return the lines of `text` but progress, as the page would have them."""
    for shown, real in ports.items():
        text = text.replace(str(real), shown)
    text = text.replace(f"{here}/", "").replace(str(here), ".")
    lines = [line for line in text.splitlines() if not PROGRESS.match(line)]
    return [re.sub(r"^\d\d:\d\d:\d\d \w+ *\| ", "", line) for line in lines]


def test_the_page_has_mistakes_of_every_command_that_can_be_used_wrongly():
    assert len(MISTAKES) == PAGE.count("```console") >= 30
    made = {words_of(mistake.command, {})[1][0] for mistake in MISTAKES}
    [commands] = [action.choices for action in build_parser()._actions if action.dest == "command"]
    assert set(commands) - made <= {"runs"}  # Which takes nothing that could be wrong.
    assert {mistake.exit_code for mistake in MISTAKES} == {1, 2}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.command)
def test_a_mistake_is_answered_by_the_line_on_the_page(
    mistake: Mistake, here: Path, ports, steps_in_this_process, capsys, monkeypatch
):
    variables, words = words_of(mistake.command, ports)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    try:
        exit_code = main(words)
    except SystemExit as ended:  # argparse's way.
        exit_code = ended.code
    lines = said_by(capsys.readouterr().err, here, ports)
    if re.match(r"pawline (extract|split): ", mistake.line):
        ending = lines.pop()
        assert ending.startswith("pawline: error: A step must end with exit code 0. Received: ")
    assert len(lines) == 1
    assert matches(mistake.line, lines[0]), f"{mistake.line}\n{lines[0]}"
    assert exit_code == mistake.exit_code


def matches(shown: str, said: str) -> bool:
    pattern = ".*".join(map(re.escape, shown.split(SHORTENED)))
    return re.fullmatch(pattern, said) is not None


def test_a_step_s_line_is_the_same_in_a_process_of_its_own(here: Path):
    [mistake] = [mistake for mistake in MISTAKES if "images_uri=broken" in mistake.command]
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *words_of(mistake.command, {})[1]],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = said_by(done.stderr, here, {})
    assert lines[0] == mistake.line
    assert lines[1].startswith("pawline: error: A step must end with exit code 0. Received: extract=1. Read ")
    assert (len(lines), done.returncode) == (2, mistake.exit_code)
