"""README and docs are true: their commands, modules, targets and parameters exist."""

import ast
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from PIL import Image

from components.serve.settings import Settings
from pipeline.cli.documentation import commands_page
from pipeline.cli.parser import build_parser
from pipeline.project.starter import MATTERING

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SERVING = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
DOCS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def shell_commands() -> list[str]:
    text = "\n".join(document.read_text(encoding="utf-8") for document in DOCS)
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line.split(" #")[0].strip() for line in lines if line.strip()]


def test_the_first_command_comes_before_line_30():
    assert "make run" in "\n".join(README.splitlines()[:30])


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)
def test_every_make_target_that_is_named_exists(document):
    named = set(re.findall(r"`make ([a-z-]+)", document.read_text())) | set(
        re.findall(r"^make ([a-z-]+)", document.read_text(), re.MULTILINE)
    )
    assert named <= TARGETS


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)
def test_every_path_that_is_named_exists(document):
    tops = "components|pipeline|notebooks|tests|benchmarks|docs|requirements|manifests"
    named = re.findall(rf"`((?:{tops})/[\w./-]*|Dockerfile\.\w+|Makefile)[:`]", document.read_text())
    assert named or document.name not in ("README.md", "design.md")
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("line", [line for line in shell_commands() if re.match(r"(?:[A-Z_]+=\S* )*pawline ", line)])
def test_every_pawline_command_parses(line):
    words = shlex.split(line)
    arguments = build_parser().parse_args(words[words.index("pawline") + 1 :])
    module, _, function = arguments.action.partition(":")
    assert callable(getattr(import_module(module), function))


def test_the_page_of_commands_is_what_the_parsers_say():
    assert (ROOT / "docs" / "commands.md").read_text(encoding="utf-8") == commands_page()


def test_the_table_of_parameters_is_the_pipeline_s():
    """The six that matter; all others are on their own page."""
    spec = next(yaml.safe_load_all((ROOT / "pipeline" / "pipeline.yaml").read_text()))
    declared = spec["root"]["inputDefinitions"]["parameters"]
    rows = re.findall(r"^\| `([a-z_0-9]+)` \| (.*?) \| (.*) \|$", README, re.MULTILINE)
    assert [(name, default.strip("`"), text) for name, default, text in rows] == [
        (name, shown(declared[name]["defaultValue"]), declared[name]["description"]) for name in MATTERING
    ]


def test_the_picture_is_one_and_small():
    [name] = re.findall(r"!\[.+\]\((.+)\)", README)
    with Image.open(ROOT / name) as picture:
        assert picture.width > 800
    assert (ROOT / name).stat().st_size < 200_000


def shown(default: object) -> str:
    if isinstance(default, float) and default.is_integer():
        default = int(default)
    return {"": "(empty)"}.get(str(default), str(default))


def test_the_table_of_settings_is_the_server_s():
    rows = re.findall(r"^\| `([A-Z_]+)` \| (\(empty\)|`.*?`) \| .* \|$", SERVING, re.MULTILINE)
    assert {name.lower(): default.strip("`") for name, default in rows} == {
        field.name: shown(field.default) for field in fields(Settings)
    }


def test_make_help_names_every_target():
    printed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607
    assert set(re.findall(r"^  make ([a-z-]+)", printed, re.MULTILINE)) == TARGETS


@pytest.mark.parametrize("module", sorted(set(re.findall(r"python -m ([a-z_.]+)", README))))
def test_every_module_that_is_named_runs(module):
    assert (
        subprocess.run([sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, check=False).returncode
        == 0
    )


def test_the_floors_of_the_design_are_those_that_are_kept():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if contract.get("containers") == ["components"]]
    kept = [set(layer.split(" | ")) for layer in layers]
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", (ROOT / "docs" / "design.md").read_text(), re.MULTILINE)
    drawn = [set(re.findall(r"(?:^|; )`(\w+)`:", packages)) for _, packages in rows]
    assert drawn == kept
    assert not any(contract.get("ignore_imports") for contract in contracts)


def test_each_package_says_where_to_begin_and_defines_nothing():
    inits = [path for top in ("components", "pipeline") for path in sorted((ROOT / top).glob("*/**/__init__.py"))]
    assert len(inits) > 20
    for path in inits:
        [statement] = ast.parse(path.read_text()).body
        begin = re.search(r"Begin with `(\w+)", statement.value.value)
        assert begin, path
        assert (path.parent / f"{begin[1]}.py").is_file(), path


def test_a_cluster_takes_five_commands_and_all_that_they_apply_is_there():
    page = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    declared = (ROOT / "docs" / "schedules.md").read_text(encoding="utf-8")
    first = re.search(r"## From nothing to a finished run\n.*?```sh\n(.*?)```", page, re.DOTALL)
    commands = first[1].splitlines()
    assert len(commands) <= 5
    applied = [word for line in commands for word in line.split() if word.startswith("manifests/")]
    assert len(applied) == 3
    assert [path for path in applied if not (ROOT / path).exists()] == []
    [schedules] = re.findall(r"```yaml\n(.*?)```", declared, re.DOTALL)
    assert [one["name"] for one in yaml.safe_load(schedules)["schedules"]] == ["nightly"]
