"""Images that an export names by another place than theirs: found in the listing by the end of their names."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from components.extract.annotations import AnnotationSet
from components.extract.bad_samples import MUST_BE_ONE_IMAGE, BadSample
from components.extract.notes import noted

# Label Studio puts it before the name of a file that is uploaded to it.
_UPLOADED = re.compile(r"[0-9a-f]{8}-(?=.)")


def located(annotated: AnnotationSet, images_uri: str, names: Collection[str]) -> AnnotationSet:
    """Return `annotated`, whose names are addresses, with each as it is among `names`, the listing of `images_uri`.

    An address is that of the listed image with which it ends, however many folders that has. Where it may be several,
    or several may be the same, none is taken. What is found nowhere keeps its name, and will be missing.
    """
    listed, root = _by_last_part(names), images_uri.partition("://")[2] or images_uri
    addresses = dict.fromkeys(a.file_name for a in annotated.annotations)
    found = {address: _candidates(address, root.strip("/"), listed) for address in addresses}
    bad = {address: f"may be {' or '.join(sorted(of)[:3])}" for address, of in found.items() if len(of) > 1}
    place = {address: next(iter(of)) for address, of in found.items() if len(of) == 1}
    bad |= _shared(place)
    moved = {address: name for address, name in place.items() if address != name and address not in bad}
    annotations = [
        replace(a, file_name=moved.get(a.file_name, a.file_name))
        for a in annotated.annotations
        if a.file_name not in bad
    ]
    pairs = [f"{name} for {address}" for address, name in sorted(moved.items())]
    notes = [*annotated.notes, *noted("Images found by the end of the names that the export gives them", pairs)]
    refused = [BadSample(MUST_BE_ONE_IMAGE, address, detail) for address, detail in sorted(bad.items())]
    return replace(annotated, annotations=annotations, notes=notes, bad=[*annotated.bad, *refused])


def _by_last_part(names: Iterable[str]) -> dict[str, list[str]]:
    listed: dict[str, list[str]] = {}
    for name in names:
        last = PurePosixPath(name).name
        for key in {last, PurePosixPath(last).stem}:
            listed.setdefault(key, []).append(name)
    return listed


def _candidates(address: str, root: str, listed: Mapping[str, list[str]]) -> set[str]:
    """Return which of the listed names `address` may stand for; a whole one goes before one without its suffix."""
    relative = address.removeprefix(f"{root}/")
    last = PurePosixPath(relative).name
    # What is uploaded loses its folders.
    for end in (relative, _UPLOADED.sub("", last, count=1)):
        alike = listed.get(PurePosixPath(end).name, [])
        if end in alike:
            return {end}
        whole = {name for name in alike if _ends_alike(name, end)}
        if found := whole or {name for name in alike if _ends_alike(str(PurePosixPath(name).with_suffix("")), end)}:
            return found
    return set()


def _ends_alike(one: str, other: str) -> bool:
    return f"/{one}".endswith(f"/{other}") or f"/{other}".endswith(f"/{one}")


def _shared(place: Mapping[str, str]) -> dict[str, str]:
    """Return the addresses of which several lead to one image, with what to say of each."""
    leading: dict[str, list[str]] = {}
    for address, name in place.items():
        leading.setdefault(name, []).append(address)
    return {
        address: f"leads to {name}, as does {next(other for other in of if other != address)}"
        for name, of in leading.items()
        if len(of) > 1
        for address in of
    }
