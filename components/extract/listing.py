"""The listing of the images: what can be read, what cannot and why, and what is not worth a look."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from components.dataset.image_kinds import image_kind
from components.extract.agreement import Agreed
from components.extract.bad_samples import MUST_BE_IN_A_CLASS, MUST_EXIST, MUST_NOT_LEAD_OUT, BadSample
from components.extract.leavings import without_own
from components.extract.notes import noted
from components.extract.spelling import hints
from components.step.errors import DataError, first_ten, one_line
from components.step.parallel import each_in_parallel
from components.storage.store import LEADS_BACK, LEADS_OUT, ObjectUnreadable, Store, StoredObject

CONCURRENT_READS = 32
START_BYTES = 32  # Of a file; enough to tell a picture.


@dataclass(frozen=True, slots=True)
class Listing:
    """Objects by name; `unread` says of what lies there and cannot be read why, as words that follow the name."""

    objects: Mapping[str, StoredObject]
    unread: Mapping[str, str]
    notes: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The names of everything."""
        return [*self.objects, *self.unread]

    def missing(self, names: Iterable[str]) -> list[BadSample]:
        """Return those of `names` that cannot be read, with the reason, or what there is that looks like it."""
        absent = [name for name in names if name not in self.objects]
        alike = hints([name for name in absent if name not in self.unread], self.objects)
        return [self._missing(name, alike.get(name, "")) for name in absent]

    def _missing(self, name: str, alike: str) -> BadSample:
        why = self.unread.get(name, "")
        rule = MUST_NOT_LEAD_OUT if why == LEADS_OUT else MUST_EXIST
        return BadSample(rule, name, f"is missing: it {why}" if why else f"is missing{alike}")


def list_images(source: Store, outputs: Iterable[str]) -> Listing:
    """Return what lies in `source`, without what Pawline wrote there; `outputs` are the places this step writes to.

    Raises:
        DataError: the folder does not exist.
        ServiceError: the store failed.
    """
    unread: dict[str, str] = {}
    objects = {found.name: found for found in source.list(unread.__setitem__)}
    back = sorted(name for name, why in unread.items() if why == LEADS_BACK)
    names, notes = without_own([*objects, *(unread.keys() - set(back))], source.uri(), outputs)
    notes += noted("Links back to a folder above them were not followed", back)
    kept = set(names)
    return Listing(
        {name: found for name, found in objects.items() if name in kept},
        {name: why for name, why in sorted(unread.items()) if name in kept},
        notes,
    )


def outside_of_classes(source: Store, listing: Listing, unplaced: Sequence[str]) -> tuple[list[BadSample], list[str]]:
    """Return which of the files `unplaced`, that lie in no class folder, are images, and sentences on the others."""
    bad = listing.missing(unplaced)
    files = [name for name in unplaced if name in listing.objects]
    kinds = dict(each_in_parallel(lambda name: _kind(source, name), files, CONCURRENT_READS))
    bad += [BadSample(MUST_BE_IN_A_CLASS, name, f"is a {kind} in none") for name in files if (kind := kinds[name])]
    others = [name for name in files if not kinds[name]]
    return bad, noted("Files beside the class folders that are no images were left out", others)


def _kind(source: Store, name: str) -> str:
    try:
        with source.open(name) as file:
            return image_kind(file.read(START_BYTES))
    except ObjectUnreadable as error:
        return f"file that {error.why}"
    except DataError:  # Removed meanwhile, or of a name that nobody can read.
        return ""


def check_any_is_there(there: Sequence[Agreed], agreed: Sequence[Agreed], listing: Listing, uri: str) -> None:
    """Check that one of the images in `agreed` is `there`; if none is, the images are not what is wrong.

    Raises:
        DataError: none is; shows names of both sides.
    """
    if agreed and not there and not listing.unread:
        lies = f"but {first_ten(sorted(listing.objects))}" if listing.objects else "which is empty"
        raise DataError(
            f"The annotated images must lie in images_uri. Received: {first_ten([a.sample_id for a in agreed])}: "
            f"none of them in {one_line(uri)}, {lies}. Correct images_uri, or the names in the annotation file."
        )
