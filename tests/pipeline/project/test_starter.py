"""`pawline init`: files that work as they are, that an editor can check, and that overwrite nothing."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli.main import main
from pipeline.compilation import COMPILED_PIPELINE
from pipeline.compiled import load_pipeline
from pipeline.config import read_config, write_config
from pipeline.project.schema import config_schema
from pipeline.project.starter import MATTERING
from tests.support.fake_pipeline import DECLARED

REAL = load_pipeline(COMPILED_PIPELINE).parameters


def test_the_file_is_read_as_it_is_and_names_six_parameters(tmp_path: Path, capsys: Any) -> None:
    assert main(["init", str(tmp_path / "new" / "project")]) == 0
    folder = tmp_path / "new" / "project"
    assert {path.name for path in folder.iterdir()} == {"run.yaml", "run.schema.json", ".gitignore"}
    text = (folder / "run.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=./run.schema.json\n")
    found = read_config(folder / "run.yaml", REAL)
    assert list(found) == list(MATTERING)
    assert len(found) == 6
    assert all(REAL[name].description in text for name in MATTERING)
    jsonschema.validate(yaml.safe_load(text), json.loads((folder / "run.schema.json").read_text()))
    assert "runs/" in (folder / ".gitignore").read_text().splitlines()
    assert f"pawline run --config {folder}/run.yaml" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["run.yaml", "run.schema.json", ".gitignore"])
def test_what_is_there_stays(tmp_path: Path, name: str, capsys: Any) -> None:
    (tmp_path / name).write_text("mine")
    assert main(["init", str(tmp_path)]) == 0
    assert (tmp_path / name).read_text() == "mine"
    assert f"left as it is: {tmp_path / name}" in capsys.readouterr().out
    assert len(list(tmp_path.iterdir())) == 3


def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "file").write_text("")
    assert main(["init", str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_the_schema_is_one_and_has_every_parameter() -> None:
    schema = config_schema(REAL)
    jsonschema.Draft7Validator.check_schema(schema)
    assert set(schema["properties"]) == set(REAL)
    jsonschema.validate({name: parameter.default for name, parameter in REAL.items()}, schema)


VALUES = {
    "text": st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20),
    "count": st.integers(-(2**40), 2**40),
    "rate": st.floats(allow_nan=False, allow_infinity=False),
    "flag": st.booleans(),
    "labels": st.dictionaries(st.sampled_from("abc"), st.integers(0, 9)),
    "tolerations": st.lists(st.integers(0, 9), max_size=3),
}


@given(st.fixed_dictionaries({}, optional=VALUES))
def test_every_file_that_a_run_writes_fits_the_schema(tmp_path_factory: Any, values: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("config") / "config.yaml"
    write_config(path, values)
    jsonschema.validate(yaml.safe_load(path.read_text()) or {}, config_schema(DECLARED))


@pytest.mark.parametrize("text", ["epoch: 3", "epochs: three", "epochs: 1.5", "tolerations: {}", "dry_run: maybe"])
def test_what_a_run_refuses_an_editor_marks(text: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), config_schema(REAL))
