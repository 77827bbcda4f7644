"""Which document an image came from, where `ingest` took it out of one: its group, without a pattern for names."""

from collections.abc import Mapping
from dataclasses import replace

from components.extract.listing import Listing
from components.ingest.manifest import MANIFEST, documents_of
from components.step.counts import counted
from components.storage.store import Store


def documents_beside(source: Store, listing: Listing) -> tuple[Mapping[str, str], Listing]:
    """Return the document of each image by its name, and `listing` without the manifest that says so, if there is one.

    Raises:
        DataError: the manifest is damaged.
        ServiceError: the store failed.
    """
    if MANIFEST not in listing.objects:
        return {}, listing
    documents = documents_of(source)
    said = f"{counted(len(documents), 'image')} of {counted(len(set(documents.values())), 'document')}, each a group"
    objects = {name: found for name, found in listing.objects.items() if name != MANIFEST}
    return documents, replace(listing, objects=objects, notes=[*listing.notes, f"{MANIFEST} names {said}."])
