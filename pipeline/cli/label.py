"""`pawline label`: what a person should look at next, as a list for the labelling tool."""

import argparse
import csv
from collections.abc import Collection, Iterator
from pathlib import Path

from components.export.label_lists import COLUMNS, ToLabel, check_list_form, write_label_list
from components.step.command import log_to_stderr
from components.step.counts import counted
from components.step.errors import DataError, UsageError, one_line
from components.step.regular_files import open_regular_text
from components.step.spreadsheets import as_written
from pipeline.local.display import short_path
from pipeline.local.record import recorded_values
from pipeline.local.references import bundle_of, find_run, use_store_of

DOUBTS = Path("test", "label_errors.csv")
DISPUTED, UNSURE = "annotators disagree", "the model is unsure"


def check(arguments: argparse.Namespace) -> None:
    """Write the labels that the test of a run suspects, the most doubtful first.

    Raises:
        UsageError: there is no such run, or no such form.
        DataError: the run was not tested, or its list is damaged.
        ServiceError: the output cannot be written.
    """
    check_list_form(arguments.form)
    folder = find_run(arguments.run, arguments.runs)
    found = list(_suspected(folder / DOUBTS))
    images_uri = str(recorded_values(folder)["parameters"].get("images_uri", ""))
    write_label_list(arguments.output, arguments.form, found, images_uri)
    print(f"{counted(len(found), 'label')} to check: {short_path(arguments.output)}")


def _suspected(path: Path) -> Iterator[ToLabel]:
    try:
        with open_regular_text(path) as file:
            rows = csv.DictReader(file, strict=True)
            header = list(rows.fieldnames or ())
            if missing := set(COLUMNS) - set(header):
                raise ValueError(f"no column {min(missing)}")
            if len(set(header)) < len(header):
                raise ValueError("a column twice")
            for row in rows:
                found = {name: as_written(text) for name, text in row.items()}
                if found["suspected"] == "true":
                    names = (found["file"], found["label"], found["suggested"])
                    yield ToLabel(*names, float(found["score"]), UNSURE, found["group"])
    except (OSError, csv.Error, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"A run must have been tested to have doubtful labels. Received: {one_line(path, 160)}: "
            f"{one_line(getattr(error, 'strerror', None) or error, 120)}. Run it to its end."
        ) from error


def next_images(arguments: argparse.Namespace) -> None:
    """Write which images should be labelled next: those annotators dispute, then those a bundle is least sure of.

    Raises:
        UsageError: what is named is no bundle, or there is no such form.
        DataError: no images, or annotations that cannot be read.
        ServiceError: a store does not answer, or the output cannot be written.
    """
    check_list_form(arguments.form)
    if arguments.count < 1:
        raise UsageError(f"--count must be at least 1. Received: --count {arguments.count}. Correct it.")
    bundle = bundle_of(arguments.bundle, arguments.runs)
    use_store_of(arguments.runs)
    log_to_stderr("label")
    disputed, known = _annotated(arguments.annotations, arguments.images)
    chosen = [*disputed, *_least_sure(bundle, arguments.images, known)][: arguments.count]
    write_label_list(arguments.output, arguments.form, chosen, arguments.images)
    print(f"{counted(len(chosen), 'image')} to label next: {short_path(arguments.output)}")


def _annotated(annotations_uri: str, images_uri: str) -> tuple[list[ToLabel], set[str]]:
    """Return the images that annotators dispute, and the names of all that have an annotation."""
    from components.extract.agreement import agree
    from components.extract.bad_samples import MUST_AGREE
    from components.extract.formats.reading import read_annotations
    from components.storage.stores import open_store

    if not annotations_uri:
        return [], set()
    names = [found.name for found in open_store(images_uri).list()]
    annotated = read_annotations("auto", annotations_uri, images_uri, names)
    labels: dict[str, list[str]] = {}
    for annotation in annotated.annotations:
        labels.setdefault(annotation.file_name, []).append(annotation.label)
    disputed = [bad.sample_id for bad in agree(annotated.annotations)[1] if bad.rule == MUST_AGREE]
    wanted = [ToLabel(name, "", max(sorted(labels[name]), key=labels[name].count), 1.0, DISPUTED) for name in disputed]
    return wanted, set(labels) | {bad.sample_id for bad in annotated.bad}


def _least_sure(bundle: str, images_uri: str, known: Collection[str]) -> list[ToLabel]:
    """Return the images without an annotation, that with the smallest margin between its first two classes first."""
    # numpy and what reads images take long to import, and help must not.
    from components.predict.files import find_files
    from components.predict.labelling import labelled, threads_for
    from components.predict.prediction import loaded_model

    files = [file for file in find_files([images_uri]).files if file.name not in known]
    threads = threads_for(files)
    model = loaded_model(bundle, threads)
    wanted = []
    for file, answer in zip(files, labelled(model, files, threads), strict=True):
        if answer.described:
            first, second = sorted(answer.described["probabilities"].values(), reverse=True)[:2]
            wanted.append(ToLabel(file.name, "", answer.described["class"], round(1 - (first - second), 6), UNSURE))
    return sorted(wanted, key=lambda image: (-image.score, image.file))
