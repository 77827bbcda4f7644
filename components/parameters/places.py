"""Parameters that say where something lies or is called."""

import re

from components.step.errors import UsageError, one_line
from components.storage.stores import open_store, split_uri

CHECKPOINTS = "checkpoints"  # Where train keeps them below dataset_store, unless checkpoint_uri says another place.
_MODEL_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\- ]{0,199}")


def check_store(name: str, uri: str) -> None:
    """Check that `uri`, of the parameter `name`, can be that of a store; nothing is asked of it.

    Raises:
        UsageError: it is empty or of a scheme that is not supported.
    """
    try:
        open_store(uri)
    except UsageError as error:
        raise _named(name, error) from error


def check_file(name: str, uri: str) -> None:
    """Check that `uri`, of the parameter `name`, can be that of a file in a store; nothing is asked of that.

    Raises:
        UsageError: it names no file, or a scheme that is not supported.
    """
    try:
        _, file = split_uri(uri)
    except UsageError as error:
        raise _named(name, error) from error
    if not file:
        raise UsageError(f"{name} must name a file. Received: {name}={one_line(repr(uri), 120)}. Correct it.")


def check_model_name(name: str) -> None:
    """Check that `name` can name a registered model.

    Raises:
        UsageError: it cannot.
    """
    if not _MODEL_NAME.fullmatch(name):
        raise UsageError(
            "model_name must be letters, digits, spaces, '.', '_' and '-', at most 200. "
            f"Received: model_name={one_line(repr(name), 120)}. Correct it."
        )


def _named(name: str, error: UsageError) -> UsageError:
    return UsageError(str(error).replace("Received: ", f"Received: {name}=", 1))
