"""Files are complete or absent."""

import ast
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from components.step.errors import ServiceError
from components.step.files import (
    atomic_directory,
    atomic_write,
    json_text,
    scratch_folder,
    write_json,
    write_json_list,
    write_text,
)


def everything_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def assert_one_line_about(error: ServiceError, path: Path) -> None:
    assert str(error).startswith("The output must be writable. Received: ")
    assert str(path) in str(error)
    assert len(str(error).splitlines()) == 1


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "er" / "table.csv"
    with atomic_write(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
        assert temporary.parent.parent == target.parent, "a rename works on one file system only"
        temporary.write_text("whole")
    assert target.read_text() == "whole"
    assert everything_below(target.parent) == ["table.csv"]


def _interrupted(path: Path) -> None:
    path.write_text("half")
    raise KeyboardInterrupt


def test_an_error_keeps_the_old_file_and_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_write(target) as temporary:
        _interrupted(temporary)
    assert target.read_text() == "old"
    assert everything_below(tmp_path) == ["table.csv"]


def test_a_new_file_replaces_the_old_one_and_may_be_read_by_others(tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    target.write_text("old")
    write_text(target, "é\n")
    assert target.read_bytes() == b"\xc3\xa9\n"
    mask = os.umask(0)
    os.umask(mask)
    assert target.stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_folder_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    with atomic_directory(target) as temporary:
        (temporary / "a").write_text("a")
        assert not target.exists()
    assert everything_below(tmp_path) == ["bundle", "bundle/a"]


def test_an_error_in_a_folder_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), atomic_directory(tmp_path / "bundle") as temporary:
        _interrupted(temporary / "a")
    assert everything_below(tmp_path) == []


def test_a_folder_replaces_an_empty_one_but_never_a_full_one(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    target.mkdir()
    with atomic_directory(target) as temporary:
        (temporary / "a").write_text("a")
    with pytest.raises(ServiceError) as caught, atomic_directory(target) as temporary:
        (temporary / "b").write_text("b")
    assert_one_line_about(caught.value, target)
    assert everything_below(tmp_path) == ["bundle", "bundle/a"]


def test_json_is_sorted_and_readable(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": [1, 2.5], "a": "é"})
    assert (tmp_path / "a.json").read_text() == '{\n  "a": "é",\n  "b": [\n    1,\n    2.5\n  ]\n}\n'
    assert json.loads(json_text({"a": None})) == {"a": None}


def test_nan_is_no_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert everything_below(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    target = tmp_path / "file" / "table.csv"
    for write in (atomic_write, atomic_directory):
        with pytest.raises(ServiceError) as caught, write(target):
            pass
        assert_one_line_about(caught.value, target)
    assert everything_below(tmp_path) == ["file"]


def test_a_target_that_is_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "table.csv").mkdir()
    with pytest.raises(ServiceError) as caught:
        write_text(tmp_path / "table.csv", "x")
    assert_one_line_about(caught.value, tmp_path / "table.csv")
    assert everything_below(tmp_path) == ["table.csv"]


# A limit on the size of files fails in the middle of a write, as a full disk does.
WRITE_A_MEGABYTE = """
import resource, sys
from pathlib import Path
from components.step.errors import ServiceError
from components.step.files import write_text
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_text(Path(sys.argv[1]), "x" * (1 << 20))
except ServiceError as error:
    print(error)
"""


def test_a_disk_that_fills_up_leaves_nothing_and_says_so(tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    target.write_text("old")
    done = subprocess.run(
        [sys.executable, "-c", WRITE_A_MEGABYTE, str(target)], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"The output must be writable. Received: {target}: File too large.\n"
    assert (target.read_text(), everything_below(tmp_path)) == ("old", ["table.csv"])


WRITE_FOR_EVER = """
import sys, time
from pathlib import Path
from components.step.files import atomic_directory
with atomic_directory(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("half")
    print("half", flush=True)
    time.sleep(600)
"""


def test_a_kill_leaves_nothing_under_the_target_s_name(tmp_path: Path) -> None:
    target, before = tmp_path / "bundle", time.time()
    with subprocess.Popen([sys.executable, "-c", WRITE_FOR_EVER, str(target)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"half\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not target.exists()
    with atomic_directory(target) as temporary:
        (temporary / "whole").write_text("whole")
    assert everything_below(target) == ["whole"]
    assert target.stat().st_mtime > before - 1


NAMED = {"TemporaryDirectory", "NamedTemporaryFile", "SpooledTemporaryFile", "mkdtemp", "mkstemp", "mktemp"}


def test_temporary_folders_that_a_kill_leaves_behind_are_made_in_one_place_which_removes_them() -> None:
    root = Path(__file__).parents[2]
    makers = {
        str(path.relative_to(root))
        for folder in ("components", "pipeline", "pawline")
        for path in (root / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute | ast.alias) and getattr(node, "attr", getattr(node, "name", "")) in NAMED
    }
    assert makers == {"components/step/files.py"}


KILLED_WHILE_WRITING = """
import os, sys
from pathlib import Path
from components.step.files import atomic_write, scratch_folder
with atomic_write(Path(sys.argv[1]) / "out.txt") as partial, scratch_folder() as scratch:
    partial.write_text("half")
    (scratch / "large").write_text("x")
    os.kill(os.getpid(), 9)
"""


def test_what_a_killed_process_left_is_removed_by_the_next_one_and_nothing_of_a_living_one(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "system"))
    (tmp_path / "system").mkdir()
    (tmp_path / ".partial-elsewhere").mkdir()
    command = [sys.executable, "-c", KILLED_WHILE_WRITING, str(tmp_path)]
    environment = os.environ | {"TMPDIR": str(tmp_path / "system"), "PYTHONPATH": str(Path(__file__).parents[2])}
    assert subprocess.run(command, env=environment, check=False).returncode == -9
    assert len(list(tmp_path.glob(".partial-*"))) == 2
    assert len(list((tmp_path / "system").iterdir())) == 1
    with atomic_write(tmp_path / "mine.txt") as mine, scratch_folder() as scratch:
        write_text(tmp_path / "other.txt", "x")
        mine.write_text("y")
        assert scratch.is_dir()
        assert len(list((tmp_path / "system").iterdir())) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"system", ".partial-elsewhere", "mine.txt", "other.txt"}


@pytest.mark.parametrize(
    "values", [[], [{"b": 1, "a": [1, {"c": "x\ny\u2028z"}]}], [1, "two", [], {}], [[[]], {"é": None}]]
)
def test_a_list_written_one_by_one_is_the_same_file(tmp_path, values):
    write_json(tmp_path / "whole.json", values)
    write_json_list(tmp_path / "parts.json", iter(values))
    assert (tmp_path / "parts.json").read_bytes() == (tmp_path / "whole.json").read_bytes()
