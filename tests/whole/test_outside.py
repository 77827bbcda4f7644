"""A whole run and a server in a project folder with an odd name: all stays in it, nothing else is connected to."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import generated
from tests.support.serving import colour_bundle, running_server

ROOT = Path(__file__).resolve().parents[2]
# What every Python process of the run executes first: it notes what names are asked for and what is connected to.
WATCH = """
import os, sys

def note(event, about):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        where = about[1] if event in ("socket.connect", "socket.sendto") else about[0]
        with open(os.environ["PAWLINE_TEST_CONNECTIONS"], "a") as file:
            file.write(f"{event} {where}\\n")

sys.addaudithook(note)
with open(os.environ["PAWLINE_TEST_CONNECTIONS"], "a") as file:
    file.write("started\\n")
"""
PARAMETERS = {"annotation_format": "folders", "backbone": "small_cnn", "weights": "none", "image_size": 16, "epochs": 1}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "around" / "a b%20c#d?e \u00e9"
    for index in range(36):
        path = folder / "images" / ("cat", "dog", "owl")[index % 3] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(generated.image_bytes(index))
    return folder


@pytest.fixture
def watched(tmp_path: Path) -> dict[str, str]:
    """The environment of a process that is watched, with an empty HOME and nobody's settings."""
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH)
    (tmp_path / "home").mkdir()
    without = ("AWS_", "MLFLOW_", "PAWLINE_", "ORT_", "CI", "DO_NOT_TRACK", "KERAS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(without)}
    kept |= {"HOME": str(tmp_path / "home"), "PYTHONPATH": os.pathsep.join([str(tmp_path / "watch"), str(ROOT)])}
    return kept | {"PAWLINE_TEST_CONNECTIONS": str(tmp_path / "connections.txt")}


@pytest.fixture
def pawline(project: Path, watched: dict[str, str]):
    """Run the command in the project's folder, watched, and return what it did."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", *words]
        return subprocess.run(command, cwd=project, env=watched, capture_output=True, text=True, timeout=280)

    return run


def noted(tmp_path: Path) -> list[str]:
    """Return what the watched processes did: "started" once for each, and whatever they asked for or connected to."""
    return (tmp_path / "connections.txt").read_text().splitlines()


def test_a_server_and_a_verification_connect_to_nothing_and_leave_nothing_at_home(pawline, project, watched, tmp_path):
    bundle = colour_bundle(project / "bundle")
    assert pawline("pipeline.cli", "verify", str(bundle), "--onnx-only").returncode == 0
    with running_server(bundle, tmp_path / "server.log", environment=watched) as server:
        status, answer = server.post("/predict", generated.image_bytes(0))
    assert status == 200, answer
    assert [path for path in (tmp_path / "home").rglob("*") if path.is_file()] == []
    assert set(noted(tmp_path)) <= {"started", "socket.getaddrinfo 127.0.0.1"}, "but the address it listens on"
    assert noted(tmp_path).count("started") == 2


@pytest.mark.slow
def test_a_run_in_an_oddly_named_folder_stays_in_it_and_connects_to_nothing(pawline, project, tmp_path) -> None:
    given = [word for name, value in PARAMETERS.items() for word in ("--param", f"{name}={value}")]
    places = ["--param", f"images_uri={project}/images", "--param", f"dataset_store={project}/datasets"]
    places += ["--param", f"annotations_uri={project}/images"]
    done = pawline("pipeline.cli", "run", "--run-id", "one", *given, *places)
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((project / "runs" / "one" / "run.json").read_text())
    assert [step["status"] for step in record["steps"]] == ["succeeded"] * 5
    assert (project / "runs" / "mlflow.db").is_file()
    bundle = next((project / "runs").rglob("bundle.json")).parent
    checked = pawline("pipeline.cli", "verify", str(bundle), "--onnx-only")
    assert checked.returncode == 0, checked.stderr
    assert list(tmp_path.rglob("*.db")) == [project / "runs" / "mlflow.db"]
    assert [path for path in (tmp_path / "around").rglob("*") if path.is_file() and project not in path.parents] == []
    # Keras's own settings, as a cache; no identity, no events, no list of fonts.
    left = {str(path.relative_to(tmp_path / "home")) for path in (tmp_path / "home").rglob("*") if path.is_file()}
    assert left == {".cache/pawline/keras/keras.json"}
    assert noted(tmp_path).count("started") >= 7, "five steps and two commands, at least"
    assert set(noted(tmp_path)) == {"started"}
