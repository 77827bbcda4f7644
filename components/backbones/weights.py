"""Where a backbone's weights come from: published ones, none, or a file in any store."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.step.errors import DataError, one_line
from components.step.files import scratch_folder
from components.storage.stores import split_uri


@contextmanager
def weights_file(uri: str) -> Iterator[Path]:
    """Yield a local copy of the file at `uri` under its own name, removed afterwards.

    Raises:
        DataError: there is no such file.
        ServiceError: the store failed.
    """
    store, name = split_uri(uri)
    with scratch_folder() as folder:
        path = Path(folder) / Path(name).name
        store.download(name, path)
        yield path


def load_weights(network: Any, path: Path) -> None:
    """Set the weights of `network`, a Keras model, from the HDF5 file at `path`.

    Raises:
        DataError: the file is damaged or another network's.
    """
    try:
        network.load_weights(path)
    except Exception as error:  # h5py and Keras raise nearly anything on a file that does not fit.
        raise DataError(
            f"The weights must be those of {network.name} without its top. Received: {one_line(path.name, 100)}: "
            f"{one_line(error)}. Use the weights file made for this backbone; those Keras publishes end in notop.h5."
        ) from error
