"""A bundle as an MLflow model of the flavour python_function, without pickle and without TensorFlow.

The format is https://mlflow.org/docs/latest/ml/model/; `MLmodel` is YAML, of which JSON is a part.
"""

import ast
import json
import platform
import time
import uuid
from importlib.metadata import version
from pathlib import Path

from components.step.own_processes import SOURCE

LOADER = "components.bundle.mlflow_loader"
# What the loader needs; the network runs from its ONNX twin.
LIBRARIES = ("mlflow-skinny", "numpy", "onnxruntime", "pandas", "pillow")
SIGNATURE = {
    "inputs": json.dumps([{"type": "binary", "name": "image", "required": True}]),
    "outputs": json.dumps(
        [
            {"type": "string", "name": "label", "required": True},
            {"type": "double", "name": "probability", "required": True},
            {
                "type": "map",
                "values": {"type": "double", "required": True},
                "name": "probabilities",
                "required": True,
            },
        ]
    ),
    "params": None,
}


def write_model(bundle: Path, folder: Path, run_id: str = "", model_id: str = "") -> None:
    """Write the MLflow model of `bundle` into the empty `folder`; the bundle's files are links to it.

    Args:
        bundle: a bundle; it is not verified here but whenever the model is loaded.
        folder: must be read (uploaded) before the bundle changes.
        run_id: the run it came from.
        model_id: MLflow 3's id of it.

    Raises:
        FileNotFoundError: there is no bundle.
    """
    (folder / "bundle").mkdir()
    for path in sorted(bundle.resolve(strict=True).iterdir()):
        (folder / "bundle" / path.name).symlink_to(path)
    for path in needed_modules(LOADER):
        (folder / "code" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "code" / path).write_bytes((SOURCE / path).read_bytes())
    requirements = "".join(f"{name}=={found}\n" for name in LIBRARIES if (found := _version(name)))
    (folder / "requirements.txt").write_text(requirements, encoding="utf-8")
    environment = {
        "python": platform.python_version(),
        "build_dependencies": ["pip"],
        "dependencies": ["-r requirements.txt"],
    }
    (folder / "python_env.yaml").write_text(json.dumps(environment, indent=2), encoding="utf-8")
    (folder / "MLmodel").write_text(json.dumps(_description(run_id, model_id), indent=2), encoding="utf-8")


def needed_modules(name: str) -> list[Path]:
    """Return the files, relative to the source, of the module `name`, all it imports when imported, and their packages.

    What is imported within functions is left out: the loader does without.
    """
    found: dict[str, Path] = {}
    waiting = [name]
    while waiting:
        module = waiting.pop()
        parts = module.split(".")
        packages = [Path(*parts[:depth], "__init__.py") for depth in range(1, len(parts))]
        found[module] = Path(*parts).with_suffix(".py")
        found |= {str(package): package for package in packages}
        tree = ast.parse((SOURCE / found[module]).read_text(encoding="utf-8"))
        imports = {node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)}
        waiting += sorted(name for name in imports - set(found) if name.startswith("components."))
    return sorted(found.values())


def _description(run_id: str, model_id: str) -> dict[str, object]:
    flavour = {
        "loader_module": LOADER,
        "data": "bundle",
        "code": "code",
        "env": {"virtualenv": "python_env.yaml"},
        "python_version": platform.python_version(),
    }
    return {
        "artifact_path": "model",
        "flavors": {"python_function": flavour},
        "mlflow_version": _version("mlflow-skinny"),
        "model_uuid": uuid.uuid4().hex,
        "signature": SIGNATURE,
        "utc_time_created": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()),
        **({"run_id": run_id} if run_id else {}),
        **({"model_id": model_id} if model_id else {}),
    }


def _version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError

    try:
        return version(name)
    except PackageNotFoundError:
        return ""  # pandas is not in the step image; whoever serves takes the newest.
