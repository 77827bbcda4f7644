"""`pawline new`: a project whose every file is legal, and that a later template changes without losing anything."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import VERSION
from components.step.own_processes import own_environment
from pipeline.cli.main import main
from pipeline.compilation import COMPILED_PIPELINE
from pipeline.compiled import load_pipeline
from pipeline.config import read_configs
from pipeline.project import new_project, template_files
from pipeline.project.groups import GROUPS
from pipeline.project.new_project import BESIDE, RECORD
from pipeline.schedules.declared import read_schedules

ROOT = Path(__file__).parents[3]
DECLARED = load_pipeline(COMPILED_PIPELINE).parameters
LONGEST = "Photographs of Everything in Our Shop 22"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new") / "project"
    assert main(["new", str(folder), "--name", LONGEST]) == 0
    return folder


@pytest.fixture
def run_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_longest_name_is_one() -> None:
    assert len(LONGEST) == 40


def test_every_placeholder_is_filled_and_every_file_recorded(project: Path) -> None:
    files = {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}
    record = json.loads((project / RECORD).read_text())
    assert files == {*record["files"], RECORD}
    assert record["version"] == VERSION
    texts = {name: (project / name).read_text() for name in record["files"]}
    assert texts == record["files"]
    assert [name for name, text in texts.items() if "{{" in text.replace("${{", "")] == []
    assert [name for name in files if name.endswith(".in")] == []


@pytest.mark.parametrize("name", ["a", "shop", LONGEST])
def test_python_is_in_order(tmp_path: Path, name: str) -> None:
    project = tmp_path / "p"
    assert main(["new", str(project), "--name", name]) == 0
    for words in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *words, "--no-cache", str(project)]
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("where", ["laptop", "cluster"])
def test_parameters_are_legal_and_those_of_the_environment_go_before(project: Path, where: str) -> None:
    files = [project / "run.yaml", project / "environments" / f"{where}.yaml"]
    values = read_configs(files, DECLARED)
    assert values["images_uri"] == {"laptop": "photos", "cluster": "s3://photos/images"}[where]
    assert values["epochs"] == {"laptop": 3, "cluster": 30}[where]


def test_functions_that_parameters_may_name_are_there(project: Path) -> None:
    named = re.findall(r"^# (\w+): ([\w.]+):(\w+)$", (project / "run.yaml").read_text(), re.MULTILINE)
    assert {name for name, *_ in named} == {"backbone", "augment", "preprocessing", "evaluator"}
    assert {name for name, *_ in named} <= {name for names in GROUPS.values() for name in names}
    for _, module, function in named:
        assert f"def {function}(" in (project / f"{module.replace('.', '/')}.py").read_text()


def test_schedules_and_tables_of_settings_are_read(project: Path) -> None:
    [schedule] = read_schedules(project / "schedules.yaml", DECLARED).schedules
    assert not schedule.enabled
    described = tomllib.loads((project / "pyproject.toml").read_text())
    assert described["project"]["dependencies"] == [f"pawline[train,serve,pipeline]=={VERSION}"]
    container = json.loads((project / ".devcontainer" / "devcontainer.json").read_text())
    assert container["postCreateCommand"].endswith("make setup")
    hooks = yaml.safe_load((project / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert [hook["id"] for hook in hooks] == ["ruff-check", "ruff-format", "pytest"]


def test_continuous_integration_is_of_the_schema_and_runs_what_people_run(project: Path) -> None:
    workflow = project / ".github" / "workflows" / "test.yaml"
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(workflow)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    targets = re.findall(r"^([a-z]+):", (project / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"make ([a-z]+)", workflow.read_text() + (project / "README.md").read_text())) <= set(targets)


@pytest.mark.skipif(not shutil.which("kubectl", path=str(Path(sys.executable).parent)), reason="needs kubectl")
def test_the_overlay_renders_on_our_manifests(project: Path) -> None:
    (project / "pawline").mkdir()
    shutil.copytree(ROOT / "manifests", project / "pawline" / "manifests")
    kubectl = Path(sys.executable).with_name("kubectl")
    done = subprocess.run([kubectl, "kustomize", project / "cluster"], capture_output=True, text=True, check=False)
    shutil.rmtree(project / "pawline")
    assert done.returncode == 0, done.stderr
    assert {
        one["metadata"]["namespace"] for one in yaml.safe_load_all(done.stdout) if one["kind"] == "ServiceAccount"
    } == {LONGEST.lower().replace(" ", "-")}


def run_tests_of(project: Path, *options: str) -> str:
    environment = {name: value for name, value in own_environment().items() if name != "PYTHONSAFEPATH"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_its_own_fast_tests_pass(project: Path) -> None:
    assert re.search(r"\b4 passed, 1 deselected", run_tests_of(project, "-m", "not slow"))


@pytest.mark.slow
def test_all_its_own_tests_pass(project: Path) -> None:
    assert re.search(r"\b5 passed", run_tests_of(project))


@pytest.mark.parametrize(
    "name", ["2fast", "pawline", "class", "a\nb", "a/b", "ä", "x" * 41, "Tests", "-", '"', "{{name}}"]
)
def test_what_no_project_can_be_called_is_refused(run_here: Path, name: str, capsys: Any) -> None:
    assert main(["new", "there", f"--name={name}"]) == 2
    assert "A project's name must be" in capsys.readouterr().err
    assert not (run_here / "there").exists()


def test_nothing_is_written_where_something_is(run_here: Path, capsys: Any) -> None:
    (run_here / "mine.txt").write_text("mine")
    for words, said in ((["."], "must be new or empty"), (["mine.txt"], "must be new or empty")):
        assert main(["new", *words, "--name", "fine"]) == 2
        assert said in capsys.readouterr().err
    assert os.listdir(run_here) == ["mine.txt"]
    assert main(["new", ".", "--update"]) == 1
    assert "there is none" in capsys.readouterr().err
    assert main(["new", ".", "--update", "--name", "x"]) == 2


OLD = {"same": "1\n", "changed": "1\n2\n3\n4\n5\n", "both": "1\n2\n3\n4\n5\n6\n7\n", "against": "1\n", "gone": "1\n"}
NEW = {
    "same": "1\n",
    "changed": "0\n2\n3\n4\n5\n",
    "both": "0\n2\n3\n4\n5\n6\n7\n",
    "against": "2\n",
    "gone": "2\n",
    "new": "1\n",
}


def test_a_later_template_changes_what_nobody_changed_and_loses_nothing(
    run_here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(new_project, "rendered", lambda *_: OLD)
    assert main(["new", "p", "--name", "fine"]) == 0
    folder = run_here / "p"
    mine = {"same": "mine\n", "both": "1\n2\n3\n4\n5\n6\nmine\n", "against": "mine\n", "own": "mine\n"}
    for name, text in mine.items():
        (folder / name).write_text(text)
    (folder / "gone").unlink()
    monkeypatch.setattr(new_project, "rendered", lambda *_: NEW)
    for _ in range(2):  # Done twice it changes nothing.
        capsys.readouterr()
        assert main(["new", "p", "--update"]) == 0
        found = {path.name: path.read_text() for path in folder.iterdir() if path.name != RECORD}
        assert found == {
            "same": "mine\n",
            "changed": "0\n2\n3\n4\n5\n",
            "both": "0\n2\n3\n4\n5\n6\nmine\n",
            "against": "mine\n",
            f"against{BESIDE}": "2\n",
            "own": "mine\n",
            "new": "1\n",
        }
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert json.loads((folder / RECORD).read_text())["files"] == NEW


@pytest.mark.parametrize("record", ["", "{", "[]", '{"files": 5, "name": "a", "package": "a"}', '{"files": {}}'])
def test_a_damaged_record_is_one_line(run_here: Path, record: str, capsys: Any) -> None:
    (run_here / RECORD).write_text(record)
    assert main(["new", ".", "--update"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert os.listdir(run_here) == [RECORD]


def test_the_template_has_only_files_of_its_suffix() -> None:
    assert [p for p in template_files.TEMPLATE.rglob("*") if p.is_file() and p.suffix != template_files.SUFFIX] == []
