"""Annotations: what annotators said of images, whatever format it came in."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from components.extract.bad_samples import BadSample


@dataclass(frozen=True, slots=True)
class Box:
    """A part of an image: left, top, width and height in pixels, or where `percent`, in hundredths of its sides."""

    left: float
    top: float
    width: float
    height: float
    percent: bool = False


@dataclass(frozen=True, slots=True)
class Annotation:
    """One label given to one image by one annotator; the later `created` of the same annotator counts.

    With a `box` it is given to what is in there.
    """

    file_name: str
    label: str
    annotator: str = ""
    created: int = 0
    group: str = ""
    split: str = ""
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class AnnotationSet:
    """What an annotation source holds, and what a reader of the report should know of it.

    `bad` are samples it names that cannot be used. `given_split` says in words how the images are split already, empty
    if they are not. Of class folders, `classes` are all there are, and `unplaced` the files that lie in none of them.
    Where the export `has_addresses`, it names images by where its tool keeps them, and not by where they lie.
    """

    format: str
    annotations: list[Annotation]
    notes: list[str] = field(default_factory=list)
    bad: list[BadSample] = field(default_factory=list)
    given_split: str = ""
    classes: frozenset[str] = frozenset()
    unplaced: list[str] = field(default_factory=list)
    has_addresses: bool = False


def by_file(annotations: Iterable[Annotation]) -> Iterator[tuple[str, list[Annotation]]]:
    """Yield each file's name with its annotations, of which the latest of each annotator, in order of the names.

    Different ones that an annotator gave at the same time, or without a time, all count: their order says nothing.
    """
    files: dict[str, list[Annotation]] = {}
    for annotation in annotations:
        files.setdefault(annotation.file_name, []).append(annotation)
    for name in sorted(files):
        yield name, _latest(files[name])


def _latest(of_file: Sequence[Annotation]) -> list[Annotation]:
    times: dict[str, int] = {}
    for annotation in of_file:
        times[annotation.annotator] = max(annotation.created, times.get(annotation.annotator, annotation.created))
    return list(dict.fromkeys(a for a in of_file if a.created == times[a.annotator]))
