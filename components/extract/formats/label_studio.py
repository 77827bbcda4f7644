"""A Label Studio export of images labelled with choices: JSON, with each task and all its annotations."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.extract.annotations import Annotation, AnnotationSet
from components.extract.bad_samples import BadSample
from components.extract.formats.addresses import name_at
from components.extract.formats.annotation_format import TextFormat
from components.extract.formats.json_lists import read_list_of_objects
from components.extract.formats.json_outline import outline
from components.extract.formats.label_studio_values import annotator_of, image_in, microseconds
from components.extract.notes import noted
from components.extract.one_class import not_one_class
from components.step.counts import counted
from components.step.errors import DataError, first_ten
from components.storage.names import check_label

ANNOTATIONS = ("annotations", "completions")  # Before version 1.0 they were called so.
RULE = "A Label Studio export must be a list of tasks with data and annotations"


@dataclass(frozen=True, slots=True)
class _Said:
    """One annotation of a task: the choices by the name of their control, and which other kinds of results it has."""

    annotator: str
    created: int
    cancelled: bool
    choices: Mapping[str, list[str]]
    others: frozenset[str]


def read_label_studio(text: str) -> AnnotationSet:
    """Read a Label Studio export (JSON): tasks with their annotations, of which those that were cancelled do not count.

    Raises:
        DataError: it is no such list, its choices are of several controls, or a task or an annotation is damaged.
    """
    tasks = read_list_of_objects(text, RULE, _annotation)
    said = [(name_at(image_in(task.get("data"))), _annotations_of(task)) for task in tasks]
    _check_one_control({control for _, of_task in said for each in of_task for control in each.choices}, said)
    annotations: list[Annotation] = []
    bad: list[BadSample] = []
    for name, of_task in said:
        for each in of_task:
            for labels in each.choices.values() if not each.cancelled else ():
                if len(labels) > 1:
                    bad.append(not_one_class(name, labels))
                else:
                    annotations.append(Annotation(name, labels[0], each.annotator, each.created))
    several = {sample.sample_id for sample in bad}
    kept = [annotation for annotation in annotations if annotation.file_name not in several]
    found = list({sample.sample_id: sample for sample in bad}.values())
    return AnnotationSet("label-studio", kept, _notes(said), found, has_addresses=True)


def _annotation(found: dict[str, Any]) -> Any:
    """Return what is needed of an annotation, which is small, and any other object as it is."""
    if not isinstance(found.get("result"), list) or "data" in found:
        return found
    choices: dict[str, list[str]] = {}
    others = set()
    for result in found["result"]:
        value = result.get("value") if isinstance(result, dict) else None
        labels = value.get("choices") if isinstance(value, dict) else None
        if isinstance(labels, list) and labels:
            choices.setdefault(str(result.get("from_name")), []).extend(check_label(label) for label in labels)
        else:
            others.add(str(result.get("type")) if isinstance(result, dict) else "")
    cancelled = bool(found.get("was_cancelled") or found.get("skipped"))
    when = microseconds(found.get("updated_at") or found.get("created_at"))
    return _Said(annotator_of(found.get("completed_by")), when, cancelled, choices, frozenset(others))


def _annotations_of(task: Mapping[str, Any]) -> list[_Said]:
    found: object = next((task[name] for name in ANNOTATIONS if name in task), [])
    if isinstance(found, list) and all(isinstance(each, _Said) for each in found):
        return found
    raise DataError(
        "Each task of a Label Studio export must hold a list of annotations with result. "
        f"Received: another structure in the task {task.get('id')!r}. Export it again as JSON."
    )


def _check_one_control(controls: set[str], said: Sequence[tuple[str, Sequence[_Said]]]) -> None:
    kinds = {kind for _, of_task in said for each in of_task for kind in each.others}
    if len(controls) > 1:
        raise DataError(
            "A Label Studio project must have one control of choices. "
            f"Received: {first_ten(sorted(controls))}. Write the images and their labels as a CSV with file,label."
        )
    if not controls and kinds:
        raise DataError(
            "A Label Studio project must label whole images, with choices. "
            f"Received: {first_ten(sorted(kinds))}. Export a project of image classification."
        )


def _notes(said: Sequence[tuple[str, Sequence[_Said]]]) -> list[str]:
    skipped = [name for name, of_task in said if of_task and all(each.cancelled for each in of_task)]
    some = [name for name, of_task in said if any(each.cancelled for each in of_task) and name not in set(skipped)]
    empty = [n for n, of_task in said if any(not each.choices and not each.cancelled for each in of_task)]
    todo = sum(not of_task for _, of_task in said)
    others = Counter(kind for _, of_task in said for each in of_task for kind in each.others)
    unfinished = f"The labelling is not finished: {counted(todo, 'task has', 'tasks have')} no annotation."
    return [
        *([unfinished] if todo else []),
        *noted("Images that were skipped in Label Studio", skipped),
        *noted("Images of which cancelled annotations do not count", some),
        *noted("Images with an annotation without a choice", empty),
        *noted("Results that are no choices and were not read", sorted(others)),
    ]


def _is_label_studio(text: str) -> bool:
    names = outline(text).get("[]", frozenset())
    return "data" in names and not names.isdisjoint({*ANNOTATIONS, "predictions", "drafts"})


FORMAT = TextFormat("label-studio", "a Label Studio export (JSON)", _is_label_studio, read_label_studio)
