"""The installed distribution: whole, beside a user's own folders of the same names, and without its extras."""

import argparse
import os
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from pipeline.cli.extras import KNOWN_BY
from pipeline.cli.parser import build_parser

ROOT = Path(__file__).parents[2]
[COMMANDS] = [action.choices for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel as the build backend makes it."""
    folder = tmp_path_factory.mktemp("wheel")
    pip(["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)])
    [found] = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The wheel's content as a folder of packages."""
    folder = tmp_path_factory.mktemp("site")
    pip(["install", "--no-deps", "--no-compile", "--target", str(folder), str(wheel)])
    return folder


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory) -> Path:
    """A Python without any package, ours excepted where PYTHONPATH names it."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    return folder / "bin" / "python"


@pytest.fixture
def project(tmp_path) -> Path:
    """A user's project that has folders called as ours."""
    for name in ("components", "pipeline", "tests"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"MINE = {name!r}\n")
    return tmp_path


def pip(arguments: list[str]) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", *arguments], check=True)


def in_project(project: Path, site: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run `command` in the user's folder, with the installed packages before all others."""
    environment = os.environ | {"PYTHONPATH": str(site)}
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def test_the_wheel_takes_one_name_and_holds_every_file(wheel):
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    assert {name.split("/")[0] for name in names} == {"pawline"}
    held = {name.removeprefix("pawline/source/") for name in names}
    files = [path for top in ("components", "pipeline") for path in (ROOT / top).rglob("*") if path.is_file()]
    assert {str(path.relative_to(ROOT)) for path in files if path.suffix != ".pyc"} <= held


def test_a_users_folders_of_the_same_names_stay_his_and_the_command_runs_ours(project, installed):
    theirs = in_project(project, installed, sys.executable, "-c", "import components, pipeline; print(components.MINE)")
    assert theirs.stdout == "components\n"
    done = in_project(project, installed, sys.executable, "-m", "pawline", "sample", "photos")
    assert (done.returncode, done.stderr) == (0, "")
    assert (project / "photos" / "annotations.json").is_file()


def test_its_steps_run_ours_too(project, installed):
    assert in_project(project, installed, sys.executable, "-m", "pawline", "sample", "photos").returncode == 0
    # Without its images the first step fails, and says what it is about.
    broken = ["--param", "annotations_uri=photos/annotations.json", "--param", "images_uri=photos/none"]
    done = in_project(project, installed, sys.executable, "-m", "pawline", "run", *broken)
    assert done.returncode == 1
    assert "pawline extract: error: The folder must exist" in done.stderr


@pytest.mark.parametrize("words", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_help_needs_nothing_but_python(bare_python, project, installed, words):
    done = in_project(project, installed, str(bare_python), "-m", "pawline", *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(("usage: pawline", "pawline 0."))


@pytest.mark.parametrize(
    ("words", "extras"),
    [
        (["run", "--sample"], "pipeline,train"),
        (["serve", "bundle"], "serve"),
        (["compile"], "pipeline"),
        (["sweep", "--param", "epochs=1,2"], "pipeline,train"),
        (["compare", "a", "b"], "pipeline,train"),
        (["verify", "bundle"], "train"),
        (["check-backbone"], "pipeline,train"),
        (["rollback"], "pipeline"),
        (["runs"], "pipeline"),
        (["show", "last"], "pipeline"),
        (["open", "last"], "pipeline"),
        (["clean"], "pipeline"),
        (["init", "here"], "pipeline"),
        (["predict", "last", "photos"], "serve"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_without_the_extras_a_command_names_them_in_one_line(bare_python, project, installed, words, extras):
    done = in_project(project, installed, str(bare_python), "-m", "pawline", *words)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("pawline: error: This command needs packages that are not installed. Received: no ")
    assert line.endswith(f"Install them: pip install 'pawline[{extras}]'.")


def test_an_extra_is_known_by_what_it_brings():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    distributions = packages_distributions()
    for extra, modules in KNOWN_BY.items():
        text = " ".join(declared[extra]).lower().replace("-", "_")
        for module in modules:
            assert any(name.lower().replace("-", "_") in text for name in distributions[module]), (extra, module)


def test_completion_says_in_one_line_what_it_needs(bare_python, project, installed):
    done = in_project(project, installed, str(bare_python), "-m", "pawline", "completion", "bash")
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.endswith("pip install argcomplete.")
