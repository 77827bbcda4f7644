"""The documents of a listing: PDFs by what they are called, each with a name of its own for its images."""

from dataclasses import dataclass

from components.ingest.manifest import image_name
from components.ingest.taking import Settings
from components.parameters.choices import check_one_of
from components.step.errors import DataError, UsageError, one_line
from components.storage.names import check_label, check_name
from components.storage.store import Store, StoredObject

SUFFIX = ".pdf"
WHAT = ("embedded", "pages")
DPI = range(18, 1201)
ON_BAD = ("fail", "drop")
LARGEST_PLACE = 999_999  # Of a page or on it; what a name must leave room for.


@dataclass(frozen=True, slots=True)
class Document:
    """A PDF in a store; `name` is its path without the suffix, how its images begin and the group they are."""

    file: StoredObject
    name: str


def check_settings(settings: Settings) -> None:
    """Check what to take and how finely.

    Raises:
        UsageError: it is not legal.
    """
    check_one_of("take", "take=", settings.what, WHAT)
    if settings.dpi not in DPI:
        raise UsageError(
            f"dpi must be {DPI.start} to {DPI.stop - 1}. Received: dpi={one_line(settings.dpi, 40)}. Correct it."
        )


def check_on_bad_document(choice: str) -> None:
    """Check that `choice` is fail or drop.

    Raises:
        UsageError: it is neither.
    """
    check_one_of("on_bad_document", "on_bad_document=", choice, ON_BAD)


def listed_documents(source: Store) -> tuple[list[Document], list[tuple[str, str]]]:
    """Return the PDFs in `source` by name, and those that cannot be taken in by the name they have, with the reason.

    Raises:
        DataError: there are none.
        ServiceError: the store failed.
    """
    unread: list[tuple[str, str]] = []
    listed = [f for f in source.list(lambda name, why: unread.append((name, why))) if _is_pdf(f.name)]
    faults = [(name, why) for name, why in unread if _is_pdf(name)]
    if not listed and not faults:
        raise DataError(
            f"There must be PDFs to read, files called *.pdf. Received: none in {one_line(source.uri())}. "
            "Correct the folder or prefix."
        )
    documents: dict[str, Document] = {}
    for found in sorted(listed, key=lambda f: f.name):
        name = found.name[: -len(SUFFIX)]
        if why := _why_not(name, documents):
            faults.append((found.name, why))
        else:
            documents[name] = Document(found, name)
    return list(documents.values()), faults


def _is_pdf(name: str) -> bool:
    return name.lower().endswith(SUFFIX) and not name.rpartition("/")[2].startswith(".")


def _why_not(name: str, documents: dict[str, Document]) -> str:
    try:
        check_label(check_name(name))
        check_name(image_name(name, LARGEST_PLACE, LARGEST_PLACE))
    except DataError:
        return "has a name that cannot be that of an image: too long, or with control characters, '\\' or '..'"
    return f"is called as {documents[name].file.name} is but for the suffix" if name in documents else ""
