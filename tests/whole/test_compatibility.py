"""docs/compatibility.md and CHANGELOG.md say what pyproject.toml, the locks and the readers of formats say."""

import re
import tomllib
from pathlib import Path

import pytest

from components import VERSION
from components.bundle.manifest import READ_VERSIONS
from components.dataset import snapshot

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
CHANGES = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REQUIREMENTS = {
    requirement for extra in PROJECT["optional-dependencies"].values() for requirement in extra if ">=" in requirement
}
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("|")]
WITH = {row[0]: row[1:] for row in ROWS}
LIBRARIES = {"MLflow": "mlflow", "TensorFlow": "tensorflow", "Keras": "keras", "OpenVINO": "openvino"}


def locked(name: str) -> str:
    [version] = re.findall(rf"^{name}==(\S+)", (ROOT / "requirements" / "development.txt").read_text(), re.MULTILINE)
    return version


@pytest.mark.parametrize(("shown", "name"), LIBRARIES.items())
def test_a_library_s_range_and_tested_version_are_the_project_s(shown, name):
    least, tested = WITH[shown][0].removesuffix(" or later"), WITH[shown][1]
    assert tested == locked(name)
    assert f"{name}>={least}" in REQUIREMENTS


def test_python_s_range_is_the_project_s():
    low, high = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", PROJECT["requires-python"]).groups()
    assert WITH["Python"][0] == f"3.{low} to 3.{int(high) - 1}"
    for name in ("Dockerfile.train", "Dockerfile.serve"):
        assert f"python:{WITH['Python'][1]}-slim" in (ROOT / name).read_text()
    assert f"--python-version {WITH['Python'][1]}" in (ROOT / "Makefile").read_text()


def test_kfp_s_versions_are_those_that_are_used():
    assert {WITH["KFP SDK"][0], WITH["KFP SDK"][1], locked("kfp-kubernetes")} == {locked("kfp")}
    assert f"KFP {WITH['KFP backend'][0].split()[0]}" in (ROOT / "pipeline" / "compilation.py").read_text().replace(
        "KFP backend", "KFP"
    )


def formats(of: str) -> list[int]:
    return [int(row[1]) for row in ROWS if row[0] == of]


def test_every_format_that_is_read_has_its_row():
    assert formats("bundle") == list(READ_VERSIONS)
    assert formats("dataset") == sorted(snapshot.FORMATS) == list(range(1, snapshot.FORMAT_VERSION + 1))


def test_the_version_is_semantic_stands_in_one_place_and_has_its_changes():
    assert re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", VERSION)
    assert "version" not in PROJECT
    assert PROJECT["dynamic"] == ["version"]
    headings = re.findall(r"^## (.+)$", CHANGES, re.MULTILINE)
    assert VERSION in headings
    assert headings[0] in ("Unreleased", VERSION)
    numbers = [tuple(map(int, heading.split("."))) for heading in headings if heading != "Unreleased"]
    assert numbers == sorted(set(numbers), reverse=True)


def test_the_images_that_are_named_are_of_this_version():
    text = "".join((ROOT / name).read_text() for name in ("README.md", "docs/cluster.md", "pipeline/destination.py"))
    assert set(re.findall(r"pawline[-/](?:step|train|serve):([\d.]*\d)", text)) == {VERSION}
