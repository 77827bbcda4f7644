"""extract: annotations and images in, a verified dataset out."""

import argparse
import logging
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from components.dataset.samples import Sample, write_samples
from components.dataset.writer import Record, write_dataset
from components.extract.agreement import MUST_EXIST, Agreed, BadSample, Rejections, agree
from components.extract.annotations import AnnotationSet
from components.extract.formats.reading import FORMATS, read_annotations
from components.extract.groups import compile_group_pattern, group_of, join_identical
from components.extract.image_checks import conflicting_labels, undecodable
from components.extract.image_reading import Spool, SpooledImage, open_spool, read_images
from components.extract.parameters import OWN, check_parameters
from components.extract.report import DataSummary, write_data_report
from components.step.command import run_step, step_parser
from components.step.errors import DataError, one_line
from components.step.outputs import ExecutorOutputs
from components.step.progress import Progress
from components.storage.store import Store, StoredObject
from components.storage.stores import open_store

log = logging.getLogger("pawline")


def extract(
    annotations_uri: str,
    images_uri: str,
    dataset_store: str,
    *,
    annotation_format: str = "auto",
    group_pattern: str = "",
    on_bad_sample: str = "fail",
    samples_path: Path,
    report_path: Path,
) -> DataSummary:
    """Read annotations and images, verify every image, and write the dataset, its samples table and its report.

    Raises:
        UsageError: an option is not legal.
        DataError: bad samples with `on_bad_sample="fail"`, unsafe names or labels, fewer than two classes.
        ServiceError: a store failed.
    """
    pattern, rejected = compile_group_pattern(group_pattern), Rejections(on_bad_sample)
    source, target = open_store(images_uri), open_store(dataset_store)
    target.check_writable()  # First: hours of reading are in vain if nothing may be written.
    listing = {found.name: found for found in source.list()}
    log.info("%d objects listed in %s", len(listing), one_line(images_uri))
    annotated = read_annotations(annotation_format, annotations_uri, images_uri, listing)
    labelled = _labelled(annotated, listing, rejected)
    with open_spool() as spool:
        images = read_images(source, [listing[agreed.sample_id] for agreed in labelled], spool)
        kept = _verified_samples(labelled, images, pattern, rejected)
        uri = _write(kept, source, target.uri(), spool)
        notes = [*annotated.notes, *_unlabelled(listing, labelled, rejected.bad, annotated.format)]
        summary = DataSummary(uri, annotated.format, [sample for sample, _ in kept], sorted(rejected.bad), notes)
        write_samples(samples_path, summary.samples)
        images_by_id = {sample.sample_id: image for sample, image in kept}
        write_data_report(report_path, summary, lambda sample: spool.read(images_by_id[sample.sample_id]))
    return summary


def _labelled(annotated: AnnotationSet, listing: Mapping[str, StoredObject], rejected: Rejections) -> list[Agreed]:
    agreed, disputed = agree(annotated.annotations)
    missing = [BadSample(MUST_EXIST, a.sample_id, "is missing") for a in agreed if a.sample_id not in listing]
    rejected.add(disputed + missing)
    return [a for a in agreed if a.sample_id in listing]


def _verified_samples(
    labelled: Sequence[Agreed], images: Sequence[SpooledImage], pattern: re.Pattern[str] | None, rejected: Rejections
) -> list[tuple[Sample, SpooledImage]]:
    rejected.add(undecodable(images))
    readable = [(a, image) for a, image in zip(labelled, images, strict=True) if not image.fault]
    samples = [_sample(a, image, pattern) for a, image in readable]
    conflicts = conflicting_labels(samples)
    rejected.add(conflicts)
    dropped = {bad.sample_id for bad in conflicts}
    kept = [(s, image) for s, (_, image) in zip(samples, readable, strict=True) if s.sample_id not in dropped]
    _check_classes([sample for sample, _ in kept])
    return list(zip(join_identical([sample for sample, _ in kept]), [image for _, image in kept], strict=True))


def _sample(agreed: Agreed, image: SpooledImage, pattern: re.Pattern[str] | None) -> Sample:
    group = agreed.group or group_of(agreed.sample_id, pattern)
    return Sample(agreed.sample_id, agreed.label, group, image.sha256, image.width, image.height)


def _check_classes(samples: Sequence[Sample]) -> None:
    class_names = sorted({sample.label for sample in samples})
    if len(class_names) < 2:
        raise DataError(
            f"A classifier needs at least two classes. Received: {one_line(class_names)}. Label other images."
        )


def _write(kept: Sequence[tuple[Sample, SpooledImage]], source: Store, target: str, spool: Spool) -> str:
    records = [
        Record(s, source.uri(s.sample_id), image.source.etag, image.source.size, partial(spool.read, image))
        for s, image in kept
    ]
    with Progress("writing the dataset", len(records)) as progress:
        return write_dataset(target, records, progress.advance)


def _unlabelled(
    listing: Mapping[str, StoredObject], labelled: Sequence[Agreed], bad: Sequence[BadSample], format_name: str
) -> list[str]:
    known = {a.sample_id for a in labelled} | {b.sample_id for b in bad}
    count = len(listing.keys() - known)
    return [f"{count} listed files have no annotation and were left out."] if count and format_name != "folders" else []


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `python -m components.extract`."""
    parser = step_parser("extract", "Read annotations and images, verify them, write the dataset.")
    parser.add_argument("--annotations-uri", required=True, help="annotation file; empty to take labels from folders")
    parser.add_argument("--images-uri", required=True, help="folder or prefix of the images")
    parser.add_argument("--annotation-format", default="auto", help=f"auto, {', '.join(FORMATS)}")
    parser.add_argument("--group-pattern", default="", help="regex with one named group, of samples that stay together")
    parser.add_argument("--on-bad-sample", default="fail", help="fail, or drop and report")
    parser.add_argument("--dataset-store", required=True, help="folder or prefix under which datasets are kept")
    parser.add_argument("--samples", required=True, type=Path, help="where to write the samples table (CSV)")
    parser.add_argument("--report", required=True, type=Path, help="where to write the data report (HTML)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the step's command; return its exit code."""
    return run_step(build_parser(), argv, _act)


def _own_parameters(arguments: argparse.Namespace) -> dict[str, str]:
    names = {name for names in OWN for name in names}
    return {name: value for name, value in vars(arguments).items() if name in names}


def _act(arguments: argparse.Namespace, outputs: ExecutorOutputs) -> None:
    check_parameters({**outputs.inputs, **_own_parameters(arguments)})
    summary = extract(
        arguments.annotations_uri,
        arguments.images_uri,
        arguments.dataset_store,
        annotation_format=arguments.annotation_format,
        group_pattern=arguments.group_pattern,
        on_bad_sample=arguments.on_bad_sample,
        samples_path=arguments.samples,
        report_path=arguments.report,
    )
    for line in [*summary.notes, *(f"dropped: {one_line(bad)}" for bad in summary.dropped)]:
        log.info("%s", line)
    log.info("dataset of %d samples: %s", len(summary.samples), one_line(summary.dataset_uri))
    outputs.parameter("dataset_uri", summary.dataset_uri)
    outputs.parameter("fingerprint", summary.fingerprint)
    outputs.metadata("samples", {"samples": len(summary.samples), "fingerprint": summary.fingerprint})
