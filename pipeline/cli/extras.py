"""What must be installed for a command, said before anything is imported that is not."""

from collections.abc import Collection
from importlib.util import find_spec

from components.step.errors import UsageError

# Modules by which an extra of pyproject.toml is known to be there; looking for one does not import it.
KNOWN_BY = {
    "pipeline": ("kfp", "mlflow", "rich", "yaml"),
    "train": ("jinja2", "keras", "mlflow", "onnx", "onnxruntime", "pyarrow", "tensorboard", "yaml"),
    "serve": ("httptools", "jwt", "mlflow", "openvino", "orjson", "prometheus_client", "starlette", "uvicorn"),
}


def check_extras(extras: Collection[str]) -> None:
    """Check that each of `extras` is installed.

    Raises:
        UsageError: one is not.
    """
    missing = {extra: [name for name in KNOWN_BY[extra] if find_spec(name) is None] for extra in extras}
    if not any(missing.values()):
        return
    wanted = ",".join(extra for extra in extras if missing[extra])
    absent = ", ".join(dict.fromkeys(name for names in missing.values() for name in names))
    raise UsageError(
        f"This command needs packages that are not installed. Received: no {absent}. "
        f"Install them: pip install 'pawline[{wanted}]'."
    )
