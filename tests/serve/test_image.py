"""The serving image: small, locked, without TensorFlow or compilers; what is in it serves, and writes to /tmp alone."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.support.hostile_images import good_files
from tests.support.serving import colour_bundle, running_server

ROOT = Path(__file__).parents[2]
LINES = [
    line
    for line in (ROOT / "Dockerfile.serve").read_text().replace("\\\n", " ").splitlines()
    if line and not line.startswith("#")
]
MAX_BYTES = 400_000_000
UNWANTED = {
    "tensorflow",
    "keras",
    "pyarrow",
    "pandas",
    "torch",
    "kfp",
    "onnx",
    "pytest",
    "setuptools",
    "wheel",
    "cython",
}


def locked() -> dict[str, str]:
    text = (ROOT / "requirements" / "serve.txt").read_text()
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[a-z,-]+\])?==(\S+)", text, re.MULTILINE))


def instruction(name: str) -> str:
    return next(line.removeprefix(name).strip() for line in LINES if line.startswith(f"{name} "))


def commands() -> list[list[str]]:
    return [json.loads(line.removeprefix("RUN ")) for line in LINES if line.startswith("RUN ")]


def test_the_lock_has_no_tensorflow_no_tables_and_no_compilers():
    assert {"openvino", "starlette", "pyjwt", "cryptography", "boto3"} <= locked().keys()
    assert locked().keys() & UNWANTED == set()


def test_the_image_is_built_as_openshift_wants_it():
    assert LINES[0].startswith("ARG BASE_IMAGE=")
    order = [
        LINES.index(next(line for line in LINES if part in line)) for part in ("COPY req", "pip", "COPY components")
    ]
    assert order == sorted(order)
    assert re.fullmatch(r"\d+:0", instruction("USER"))
    assert json.loads(instruction("ENTRYPOINT")) == ["python", "-m", "components.serve"]
    assert not re.search(r"(?i)password|secret|token|_key=|apt-get|curl", "\n".join(LINES))
    variables = " ".join(line for line in LINES if line.startswith("ENV"))
    assert re.findall(r"(?:HOME|TMPDIR)=(\S+)", variables) == ["/tmp", "/tmp"]
    assert instruction("WORKDIR") == "/tmp"


def imports_of(module: str, seen: dict[str, set[str]]) -> None:
    """Add to `seen` all that `module` of components/ imports, and so on."""
    path = ROOT / module.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if module in seen or not path.is_file():
        return
    seen[module] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = [name.name for name in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{name.name}" for name in node.names)]
        seen[module].update(names)
        for name in names:
            if name.startswith("components"):
                imports_of(name, seen)


def test_everything_the_server_imports_is_in_its_lock():
    seen: dict[str, set[str]] = {}
    for path in sorted((ROOT / "components" / "serve").glob("*.py")):
        imports_of(f"components.serve.{path.stem}", seen)
    # The network in Keras is loaded by other steps' functions in modules that both use; types are not imported.
    elsewhere = {"components.bundle.reader", "components.network.keras_runtime", "components.network.classifier"}
    # Taken only where OpenVINO is not installed, and where quick reads are.
    elsewhere |= {"components.inference.onnx_engine", "components.onnx_twin.session"}
    elsewhere |= {"components.storage.s3_quick_reads"}
    elsewhere |= {"components.signing.keyless", "components.signing.signer"}  # Where the library is installed.
    names = {name.split(".")[0] for module, found in seen.items() if module not in elsewhere for name in found}
    outside = names - sys.stdlib_module_names - {"components", "mypy_boto3_s3"}
    distributions = packages_distributions()
    needed = {re.sub(r"[-_.]+", "-", distribution).lower() for name in outside for distribution in distributions[name]}
    # mlflow comes in two sizes with the same modules.
    assert needed - {"mlflow", "mlflow-tracing"} - locked().keys() == set()


def test_a_start_imports_no_tensorflow_and_no_tables():
    # What is written beside the source stays in the image. All of mlflow imports tables; the image has its small size.
    imported = commands()[-1][-1].partition(";")[0].replace(", mlflow,", ",")
    unwanted = "tensorflow", "keras", "pyarrow", "pandas"
    code = f"{imported}\nimport sys\nsys.exit(any(name in sys.modules for name in {unwanted}))"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW")}
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=clean, check=False).returncode == 0


def test_the_health_check_tells_a_ready_server_from_none(tmp_path):
    command = json.loads(instruction("HEALTHCHECK").partition(" CMD ")[2])
    with running_server(colour_bundle(tmp_path / "bundle"), tmp_path / "log") as server:
        environment = os.environ | {"PAWLINE_SERVE_PORT": str(server.port)}
        assert subprocess.run([sys.executable, *command[1:]], env=environment, check=False).returncode == 0
    done = subprocess.run([sys.executable, *command[1:]], env=environment, check=False, capture_output=True)
    assert done.returncode != 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_is_installed_is_small_and_serves(tmp_path):
    """The image's own commands in a clean environment, then a server in it, watched for what it writes."""
    site, source = installed(tmp_path)
    sizes = {path: path.lstat().st_size for path in site.rglob("*") if path.is_file()}
    print(f"{sum(sizes.values()) / 1e6:.0f} MB installed, bytecode of what a start imports included")
    assert sum(sizes.values()) < MAX_BYTES
    found = {path.name.partition("-")[0].lower() for path in site.glob("*.dist-info")}
    assert found & UNWANTED == set()
    assert [
        path for path in sizes if re.fullmatch(r"(gcc|g\+\+|cc1(plus)?|clang|ld|cl\.exe|nvcc)(-\d+)?", path.name)
    ] == []
    before = {path: path.stat().st_mtime_ns for path in [*site.rglob("*"), *source.rglob("*")]}
    serves(tmp_path, source)
    assert {path: path.stat().st_mtime_ns for path in [*site.rglob("*"), *source.rglob("*")]} == before


def installed(folder: Path) -> tuple[Path, Path]:
    """Run the image's commands with `folder` for its root; return its packages and its source."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "python"], check=True)
    source = folder / "pawline"
    shutil.copytree(ROOT / "components", source / "components", ignore=shutil.ignore_patterns("__pycache__"))
    site = next((folder / "python" / "lib").glob("python*")) / "site-packages"
    install, compiled = commands()
    lock = [word.replace("/opt/pawline", str(ROOT)) for word in install[1:]]
    # The image's own pip is not of the set; this one installs into the environment beside it.
    into = [*lock[:2], "--python", str(folder / "python" / "bin" / "python"), *lock[2:]]
    subprocess.run([sys.executable, *into], check=True)
    subprocess.run([folder / "python" / "bin" / "python", *compiled[1:]], cwd=source, check=True)
    return site, source


def serves(folder: Path, source: Path) -> None:
    """Start the server of `source` as the image does, and ask it for a prediction."""
    writable = folder / "tmp"
    writable.mkdir()
    environment = {"HOME": str(writable), "TMPDIR": str(writable), "PYTHONDONTWRITEBYTECODE": "1"}
    python = folder / "python" / "bin" / "python"
    bundle = colour_bundle(folder / "bundle")
    with running_server(
        bundle, folder / "log", python=python, source=source, environment=environment, page="false"
    ) as server:
        status, body = server.post("/predict", good_files()["jpeg"])
    assert (status, json.loads(body)["class"]) == (200, "red")
