"""What can only be known of the samples that are left: whether classes vanished, and groups lie in several splits."""

from collections.abc import Sequence

from components.dataset.samples import Sample
from components.extract.agreement import Agreed
from components.extract.annotations import AnnotationSet
from components.extract.listing import Listing
from components.extract.notes import noted
from components.step.errors import DataError, first_ten
from components.storage.store import EMPTY_FOLDER


def check_classes(samples: Sequence[Sample | Agreed], annotated: AnnotationSet, listing: Listing) -> list[str]:
    """Check that at least two classes are left, and each class folder; return sentences on other classes that are not.

    Raises:
        DataError: fewer are left, or a class folder holds no image that is accepted.
    """
    left = {sample.label for sample in samples}
    empty = {name for name in annotated.unplaced if listing.unread.get(name) == EMPTY_FOLDER}
    if without := sorted((annotated.classes | empty) - left):
        raise DataError(
            "A class folder must hold at least one JPEG, PNG, WebP or BMP image that can be used. "
            f"Received: none in {first_ten(without)}. Add images, or move the folder elsewhere."
        )
    if len(left) < 2:
        where = "Make a folder for each class" if annotated.classes else "Label other images"
        raise DataError(f"A classifier needs at least two classes. Received: {first_ten(sorted(left))}. {where}.")
    vanished = sorted({annotation.label for annotation in annotated.annotations} - left)
    return noted("Classes of which no image is left", vanished)


def torn_groups(samples: Sequence[Sample]) -> list[str]:
    """Return a sentence on groups, copies of an image among them, that the given split has in several splits."""
    splits: dict[str, set[str]] = {}
    for sample in samples:
        splits.setdefault(sample.group, set()).add(sample.given_split)
    torn = sorted(group for group, found in splits.items() if len(found) > 1)
    return noted("Groups or copies of an image that the given split tears apart", torn)
