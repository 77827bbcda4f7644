"""Names and labels that look alike: the same text in another Unicode form is one, and all other likeness is said."""

import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from components.extract.annotations import AnnotationSet
from components.extract.bad_samples import MUST_LOOK_OTHERWISE, BadSample
from components.extract.notes import noted
from components.step.errors import one_line

# Letters of other scripts that look like a Latin one, after case folding.
_ALIKE = str.maketrans("аеорсухіјѕԛԝһвкмнтαβεζηικμνορτυχ", "aeopcyxijsqwhbkmhtabezhikmvoptyx")
# What Unicode says is drawn as nothing (Default_Ignorable_Code_Point) and is not of category Cf, and Braille's blank.
_NOTHING = (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x2800, 0x3164, 0xFFA0)
_DRAWN_AS_NOTHING = {chr(code) for code in (*_NOTHING, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))}


def nfc(text: str) -> str:
    """Return `text` in Unicode's composed form, by which names and labels are compared."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def matched_names(annotated: AnnotationSet, names: Collection[str]) -> AnnotationSet:
    """Return `annotated` with each name as it is among `names`, where it is there in another Unicode form only."""
    absent = {annotation.file_name for annotation in annotated.annotations} - set(names)
    if not absent:
        return annotated
    forms = _grouped(names, nfc)
    found = {name: forms[nfc(name)][0] for name in absent if len(forms.get(nfc(name), ())) == 1}
    if not found:
        return annotated
    annotations = [
        replace(a, file_name=found[a.file_name]) if a.file_name in found else a for a in annotated.annotations
    ]
    pairs = [f"{name!a} for {there!a}" for name, there in sorted(found.items())]
    notes = [*annotated.notes, *noted("Names in another Unicode form than the files'", pairs)]
    return replace(annotated, annotations=annotations, notes=notes)


def hints(missing: Iterable[str], names: Iterable[str]) -> dict[str, str]:
    """Return for each of `missing` that looks like one of `names` words that say so."""
    missing = list(missing)
    looks = _grouped(names, appearance) if missing else {}
    alike = {name: looks[appearance(name)] for name in missing if appearance(name) in looks}
    return {name: f", but {' and '.join(ascii(n) for n in found[:3])} looks like it" for name, found in alike.items()}


def one_spelling(annotated: AnnotationSet) -> AnnotationSet:
    """Return `annotated` with one spelling for labels that differ in Unicode form alone.

    Labels that look the same because a character of them is not seen are bad samples; those that merely look alike, by
    case or script, stay separate classes and are noted.
    """
    spellings = _grouped({annotation.label for annotation in annotated.annotations}, nfc)
    merged = {label: text for text, labels in spellings.items() if len(labels) > 1 for label in labels}
    alike = [sorted(group) for group in _grouped(spellings, appearance).values() if len(group) > 1]
    unseen = {label: group for group in alike for label in group if _has_unseen(label)}
    kept, bad = [], []
    for annotation in annotated.annotations:
        label = merged.get(annotation.label, annotation.label)
        if label in unseen:
            bad.append(_unseen_sample(annotation.file_name, label, unseen[label]))
        else:
            kept.append(annotation if label is annotation.label else replace(annotation, label=label))
    notes = _merged_note(merged) + _alike_note(alike)
    classes = frozenset(merged.get(name, name) for name in annotated.classes)
    return replace(annotated, annotations=kept, bad=annotated.bad + bad, notes=annotated.notes + notes, classes=classes)


def appearance(text: str) -> str:
    """Return what a reader sees of `text` at a glance: without case, space, unseen characters and script."""
    compatible = unicodedata.normalize("NFKC", text)
    seen = "".join(_as_drawn(c) for c in compatible if not c.isspace() and not _is_unseen(c)).casefold()
    return unicodedata.normalize("NFC", seen).translate(_ALIKE)


def _as_drawn(character: str) -> str:
    return "-" if unicodedata.category(character) == "Pd" or character == "\N{MINUS SIGN}" else character


def _unseen_sample(name: str, label: str, group: Sequence[str]) -> BadSample:
    others = " and ".join(one_line(ascii(other), 60) for other in group if other != label)
    return BadSample(MUST_LOOK_OTHERWISE, name, f"is {one_line(ascii(label), 60)}, which looks like {others}")


def _merged_note(merged: dict[str, str]) -> list[str]:
    pairs = [f"{label!a} as {text!a}" for label, text in sorted(merged.items()) if label != text]
    return noted("Labels in two Unicode forms are one class", pairs)


def _alike_note(alike: Sequence[Sequence[str]]) -> list[str]:
    seen = [" and ".join(ascii(label) for label in group) for group in alike if len(group) > 1]
    return noted("Labels that look alike", seen)


def _has_unseen(text: str) -> bool:
    return any(_is_unseen(c) or (c.isspace() and c != " ") for c in text)


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) == "Cf" or character in _DRAWN_AS_NOTHING


def _grouped(texts: Iterable[str], key: Callable[[str], str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for text in texts:
        groups.setdefault(key(text), []).append(text)
    return groups
