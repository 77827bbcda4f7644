"""Annotations: what annotators said of images, whatever format it came in."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Annotation:
    """One label given to one image by one annotator; the later `created` of the same annotator counts."""

    file_name: str
    label: str
    annotator: str = ""
    created: int = 0
    group: str = ""


@dataclass(frozen=True, slots=True)
class AnnotationSet:
    """What an annotation source holds, and what a reader of the report should know of it."""

    format: str
    annotations: list[Annotation]
    notes: list[str] = field(default_factory=list)


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
