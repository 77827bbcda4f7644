"""What must be installed for a command, said before anything is imported that is not."""

from collections.abc import Collection, Sequence
from importlib.util import find_spec

from components.step.errors import UsageError

# Modules by which an extra of pyproject.toml is known to be there; looking for one does not import it.
KNOWN_BY = {
    "pipeline": ("cronsim", "kfp", "minio", "mlflow", "rich", "yaml"),
    "train": ("jinja2", "keras", "mlflow", "model_signing", "onnx", "onnxruntime", "pyarrow", "tensorboard", "yaml"),
    "serve": ("httptools", "jwt", "mlflow", "openvino", "orjson", "prometheus_client", "starlette", "uvicorn"),
    "sign": ("OpenSSL", "cryptography", "model_signing"),
}


def check_extras(extras: Collection[str]) -> None:
    """Check that each of `extras` is installed; of those that `|` joins, one must be.

    Raises:
        UsageError: one is not.
    """
    missing = {extra: names for choice in extras for extra, names in _least_missing(choice.split("|")).items()}
    if not any(missing.values()):
        return
    wanted = ",".join(extra for extra, names in missing.items() if names)
    absent = ", ".join(dict.fromkeys(name for names in missing.values() for name in names))
    raise UsageError(
        f"This command needs packages that are not installed. Received: no {absent}. "
        f"Install them: pip install 'pawline[{wanted}]'."
    )


def _least_missing(choices: Sequence[str]) -> dict[str, list[str]]:
    missing = {extra: [name for name in KNOWN_BY[extra] if find_spec(name) is None] for extra in choices}
    chosen = next((extra for extra in choices if not missing[extra]), choices[0])
    return {chosen: missing[chosen]}
