"""A dataset written out for other tools: class folders, a Hugging Face ImageFolder, or COCO."""

from contextlib import suppress
from pathlib import Path

from components.dataset.snapshot import open_dataset
from components.export.layouts import LAYOUTS, check_places
from components.parameters.choices import check_one_of
from components.step.errors import UsageError, one_line
from components.step.files import scratch_folder
from components.step.progress import Progress
from components.storage.store import ObjectMissing, Store
from components.storage.stores import open_store


def export_dataset(dataset_uri: str, destination_uri: str, form: str) -> int:
    """Write the dataset at `dataset_uri` to `destination_uri` in the form called `form`; return the number of samples.

    The file that describes the images comes last, so that an export with it is complete.

    Raises:
        UsageError: no form is called so, or something lies at the destination.
        DataError: there is no such dataset, or it cannot be laid out so.
        ServiceError: a store failed.
    """
    check_form(form)
    layout, dataset, target = LAYOUTS[form], open_dataset(dataset_uri), open_store(destination_uri)
    samples = dataset.samples()
    check_places(layout, samples)
    _check_empty(target)
    target.check_writable()
    with scratch_folder() as folder, Progress("writing images", len(samples)) as progress:
        for sample, data in dataset.images(samples):
            _upload(target, layout.place(sample), data, folder)
            progress.advance()
        _upload(target, layout.index, layout.text(samples).encode(), folder)
    return len(samples)


def check_form(form: str) -> None:
    """Check that `form` is one of LAYOUTS.

    Raises:
        UsageError: it is not.
    """
    check_one_of("The form of an export", "--form ", form, LAYOUTS)


def _check_empty(target: Store) -> None:
    with suppress(ObjectMissing):
        if found := next(target.list(), None):
            raise UsageError(
                "An export must go where nothing lies, as nothing is overwritten. "
                f"Received: {one_line(target.uri())}, which holds {one_line(found.name, 120)}. Name another place."
            )


def _upload(target: Store, name: str, data: bytes, folder: Path) -> None:
    (folder / "file").write_bytes(data)
    target.upload(name, folder / "file")
