"""What a module of this package must offer as FORMAT to be an annotation format."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from components.extract.annotations import AnnotationSet


@dataclass(frozen=True, slots=True)
class TextFormat:
    """Annotations in a file: `recognises` tells by its text whether it is of this format, `read` reads it."""

    name: str
    described: str
    recognises: Callable[[str], bool]
    read: Callable[[str], AnnotationSet]


@dataclass(frozen=True, slots=True)
class ListingFormat:
    """Annotations that lie in the names of the images alone."""

    name: str
    read: Callable[[Iterable[str]], AnnotationSet]
