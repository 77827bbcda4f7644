"""One folder per class: the listing of the images is the annotation."""

from collections.abc import Iterable
from pathlib import PurePosixPath

from components.extract.annotations import Annotation, AnnotationSet
from components.extract.formats.annotation_format import ListingFormat
from components.storage.names import check_label, check_name

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


def read_folders(names: Iterable[str]) -> AnnotationSet:
    """Read labels from a listing where each class has a folder; the first folder of a name is its label.

    Raises:
        DataError: a name is unsafe.
    """
    annotations, ignored = [], 0
    for name in names:
        path = PurePosixPath(name)
        if len(path.parts) > 1 and path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith("."):
            annotations.append(Annotation(check_name(name), check_label(path.parts[0])))
        else:
            ignored += 1
    notes = [f"{ignored} files that are no images in a class folder were ignored."] if ignored else []
    return AnnotationSet("folders", annotations, notes)


FORMAT = ListingFormat("folders", read_folders)
