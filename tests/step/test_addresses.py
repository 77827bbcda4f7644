"""Paths become addresses and come back as they were, whatever their folders are called."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from components.step.addresses import file_path, file_uri, sqlite_path, sqlite_uri
from components.step.errors import UsageError
from components.tracking.connection import connect
from components.tracking.database import make_database
from components.tracking.delivery import artifact_location
from components.tracking.events import check_tracking_uri, public_uri

ROOT = Path(__file__).resolve().parents[2]
ODD = "a b%20c#d?e é"
PARTS = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1).filter(
    lambda part: part not in (".", "..")
)


@given(st.lists(PARTS, min_size=1, max_size=3))
def test_a_path_comes_back_from_its_addresses(parts: list[str]) -> None:
    path = Path("/", *parts)
    assert sqlite_path(sqlite_uri(path)) == path
    assert file_path(file_uri(path)) == path
    assert public_uri(sqlite_uri(path)) == sqlite_uri(path)
    assert file_path(artifact_location(sqlite_uri(path))) == path.parent / "mlartifacts"


@given(st.lists(PARTS, min_size=1, max_size=3))
def test_sqlalchemy_reads_the_address_as_we_do(parts: list[str]) -> None:
    path = Path("/", *parts)
    if "\n" not in str(path):  # No pattern of SQLAlchemy's takes it.
        assert make_url(sqlite_uri(path)).database == str(path)


@pytest.mark.parametrize("name", [ODD, "plain", "q?mode=memory", "100%", "user:password@host", "[a]", 'it\'s "mine"'])
def test_a_database_is_made_where_it_is_meant(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / name)  # MLflow would write the working folder into SQL as it is.
    uri = sqlite_uri(tmp_path / name / "mlflow.db")
    check_tracking_uri(uri)
    make_database(uri)
    connect({"MLFLOW_TRACKING_URI": uri}).search_experiments()
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == [name, f"{name}/mlflow.db"]


@pytest.mark.parametrize("uri", ["file://data/images", "file://./x", "file://"])
def test_a_file_uri_of_another_machine_is_refused(uri: str) -> None:
    with pytest.raises(UsageError, match="three slashes"):
        file_path(uri)


def test_nobody_else_glues_or_cuts_addresses() -> None:
    glued = re.compile(r"f\"(sqlite|file)://|removeprefix\(\"(sqlite|file):|\.as_uri\(\)|\burlunsplit\b")
    places = [*(ROOT / "components").rglob("*.py"), *(ROOT / "pipeline").rglob("*.py")]
    found = [path.relative_to(ROOT).as_posix() for path in places if glued.search(path.read_text(encoding="utf-8"))]
    assert found == ["components/step/addresses.py"]
