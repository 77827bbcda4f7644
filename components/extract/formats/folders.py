"""One folder per class: the listing of the images is the annotation."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from components.dataset.samples import Split
from components.extract.annotations import Annotation, AnnotationSet
from components.extract.bad_samples import MUST_BE_A_PATH, MUST_BE_IN_A_CLASS, BadSample
from components.extract.formats.annotation_format import ListingFormat
from components.extract.given_split import splits_among
from components.extract.leavings import is_leaving
from components.extract.notes import noted
from components.step.counts import counted
from components.step.errors import DataError, first_ten, one_line
from components.storage.names import check_label, check_name

Parts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Sorted:
    """The names of a listing by what they are."""

    placed: list[Parts] = field(default_factory=list)
    unplaced: list[str] = field(default_factory=list)
    unsafe: list[BadSample] = field(default_factory=list)
    leavings: Counter[str] = field(default_factory=Counter)
    classes: set[str] = field(default_factory=set)

    def notes(self) -> list[str]:
        """Return what there is to say of what was passed over, and of names that were changed."""
        padded = sorted(name for name in self.classes if name != name.strip())
        return [
            *noted("Hidden files and what tools leave behind are no samples", _with_counts(self.leavings)),
            *noted("Space around the names of classes does not count", [repr(name) for name in padded]),
        ]


def read_folders(names: Iterable[str]) -> AnnotationSet:
    """Read labels from a listing where each class has a folder; the first folder of a name is its label.

    Where there are folders of splits too, above the classes or inside of them, the labels are those of the other level.
    Every file in a class folder counts, whatever it is called, but for hidden ones and what tools leave behind.
    """
    found = _sorted(names)
    splits = splits_among({folder for parts in found.placed for folder in parts[:-1][:2]})
    level = _split_level(found.placed, splits)
    if level is not None:
        return _split_already(found, level, splits)
    annotations = [Annotation("/".join(parts), check_label(parts[0])) for parts in found.placed]
    classes = frozenset(name.strip() for name in found.classes)
    notes = found.notes() + _called_like_splits(found.placed, splits) + _inside_another(found.placed, classes)
    return AnnotationSet("folders", annotations, notes, found.unsafe, "", classes, found.unplaced)


def _sorted(names: Iterable[str]) -> _Sorted:
    found = _Sorted()
    for name in names:
        parts = tuple(name.split("/"))
        hidden = [is_leaving(part) for part in parts]
        if any(hidden):
            found.leavings["/".join(parts[: hidden.index(True) + 1])] += 1
        elif not _is_acceptable(name, parts):
            found.unsafe.append(BadSample(MUST_BE_A_PATH, name, "cannot be read by that name"))
        elif len(parts) == 1:
            found.unplaced.append(name)
        else:
            found.placed.append(parts)
        if len(parts) > 1 and parts[0].strip() and not hidden[0]:
            found.classes.add(parts[0])
    return found


def _with_counts(places: Counter[str]) -> list[str]:
    return [f"{place} ({counted(count, 'file')})" if count > 1 else place for place, count in sorted(places.items())]


def _is_acceptable(name: str, parts: Parts) -> bool:
    try:
        return bool(check_name(name) and (len(parts) == 1 or check_label(parts[0])))
    except DataError:
        return False


def _split_level(placed: Sequence[Parts], splits: Mapping[str, Split]) -> int | None:
    """Return 0 where the first folder names a split and the second a class, 1 the other way round, None for neither."""
    deep = [parts for parts in placed if len(parts) > 2]
    first, second, names = ({parts[level] for parts in of} for level, of in ((0, deep), (1, deep), (0, placed)))
    of_first = {splits[name] for name in first & splits.keys()}
    if len(of_first) > 1 or (of_first and names <= splits.keys()):
        return 0
    if _are_splits(second, splits):
        return 1
    if _are_splits(names, splits):
        raise DataError(
            "Images that are split already need class folders in those of the splits. "
            f"Received: {first_ten(sorted(names))} without class folders. Sort the images by class, or write a CSV."
        )
    return None


def _are_splits(names: Collection[str], splits: Mapping[str, Split]) -> bool:
    return len({splits.get(name) for name in names}) > 1 and all(name in splits for name in names)


def _called_like_splits(placed: Sequence[Parts], splits: Mapping[str, Split]) -> list[str]:
    """Return a sentence on classes that may be splits: beside others, a train is a vehicle as well."""
    inside: dict[str, set[str]] = {}
    for parts in placed:
        if len(parts) > 2 and parts[0] in splits:
            inside.setdefault(parts[0], set()).add(parts[1])
    held = [f"{name} (it holds the folders {first_ten(sorted(folders))})" for name, folders in sorted(inside.items())]
    return noted("Classes that are called like a split", held)


def _inside_another(placed: Sequence[Parts], classes: Collection[str]) -> list[str]:
    """Return a sentence on folders within that of a class which are called like another class."""
    inside = {
        f"{parts[0]}/{'/'.join(parts[1 : at + 1])}"
        for parts in placed
        for at, folder in enumerate(parts[:-1])
        if at and folder != parts[0] and folder in classes
    }
    return noted("Folders called like another class, read as the class they lie in", sorted(inside))


def _split_already(found: _Sorted, level: int, splits: Mapping[str, Split]) -> AnnotationSet:
    annotations, bad = [], []
    for parts in found.placed:
        split = splits.get(parts[level]) if len(parts) > 2 else None
        if split and parts[1 - level].strip():
            annotations.append(Annotation("/".join(parts), check_label(parts[1 - level]), split=split))
        else:
            bad.append(BadSample(MUST_BE_IN_A_CLASS, "/".join(parts), "lies in no folder of a split and a class"))
    labels = frozenset(annotation.label for annotation in annotations)
    _check_classes(labels, level, splits)
    folders = sorted({parts[level] for parts in found.placed if len(parts) > 2 and parts[level] in splits})
    levels = [first_ten(folders), first_ten(sorted(labels))]
    given = "the folders {} hold the folders {}".format(*(levels if level == 0 else levels[::-1]))
    return AnnotationSet("folders", annotations, found.notes(), found.unsafe + bad, given, labels, found.unplaced)


def _check_classes(labels: frozenset[str], level: int, splits: Mapping[str, Split]) -> None:
    """Check that the folders in (level 0) or around (level 1) those of splits can be classes, not one level more."""
    if level == 1 and len(labels) == 1:
        advice = f"Let images_uri end with /{one_line(next(iter(labels)), 80)}."
    elif labels and labels <= splits.keys():
        advice = "Let images_uri end with one of them, move their folders up, or write a CSV with file,label,split."
    else:
        return
    raise DataError(
        "Folders of splits must lie right under images_uri, and classes right in them, or the other way round. "
        f"Received: the folders of splits {'in' if level == 1 else 'hold'} {first_ten(sorted(labels))} as classes. "
        f"{advice}"
    )


FORMAT = ListingFormat("folders", read_folders)
