"""extract: annotations and images in, a verified dataset out."""

import argparse
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from components.dataset.image_ranges import Placed, read_images
from components.dataset.part import Part, Place
from components.dataset.sample_table import Record
from components.dataset.samples import Sample, write_samples
from components.dataset.writer import write_dataset
from components.engine.opening import open_engine
from components.extract.agreement import Agreed, agree, settled
from components.extract.annotations import AnnotationSet
from components.extract.annotators import agreement_of
from components.extract.bad_samples import Rejections
from components.extract.boxes import CHOICES as BOXES
from components.extract.boxes import check_boxes, photo_of, without_boxes
from components.extract.chunk_reading import read_chunks
from components.extract.chunks import ReadImage, Transfer, chunks_of
from components.extract.crops import with_crops
from components.extract.documents import documents_beside
from components.extract.formats.reading import FORMATS, read_annotations
from components.extract.given_split import CHOICES, check_given_split, treated
from components.extract.groups import alone, compile_group_pattern, groups_of, join_identical
from components.extract.image_checks import conflicting_labels, remarked, undecodable
from components.extract.image_reading import how_verified
from components.extract.listing import Listing, check_any_is_there, list_images, outside_of_classes
from components.extract.notes import noted
from components.extract.parameters import OWN, check_parameters
from components.extract.policy import ONE, POLICIES, check_policy, of_chosen_annotator
from components.extract.report import DataSummary, write_data_report
from components.extract.sample_checks import check_classes, torn_groups
from components.extract.spelling import matched_names, one_spelling
from components.parameters.engines import ENGINES, LOCAL
from components.step.command import run_step, step_parser
from components.step.counts import counted
from components.step.errors import one_line
from components.step.outputs import ExecutorOutputs
from components.storage.store import Store
from components.storage.stores import open_store

if TYPE_CHECKING:
    from components.engine.ray_cluster import RayCluster

log = logging.getLogger("pawline")


def extract(
    annotations_uri: str,
    images_uri: str,
    dataset_store: str,
    *,
    annotation_format: str = "auto",
    group_pattern: str = "",
    on_bad_sample: str = "fail",
    given_split: str = "refuse",
    boxes: str = "refuse",
    label_policy: str = "majority",
    samples_path: Path,
    report_path: Path,
    cluster: "RayCluster | None" = None,
) -> DataSummary:
    """Read annotations and images, verify every image, and write the dataset, its samples table and its report.

    With a `cluster` its nodes read the images and write the parts, the same ones as this process would.

    Raises:
        UsageError: an option is not legal.
        DataError: bad samples with `on_bad_sample="fail"`, unsafe names or labels, fewer than two classes, a class
            folder without an image, images that are split already with `given_split="refuse"`, boxes with
            `boxes="refuse"`.
        ServiceError: a store failed.
    """
    pattern, rejected = compile_group_pattern(group_pattern), Rejections(on_bad_sample)
    check_given_split(given_split)
    check_boxes(boxes)
    check_policy(label_policy)
    source, target = open_store(images_uri), open_store(dataset_store)
    target.check_writable()  # First: hours of reading are in vain if nothing may be written.
    listing = list_images(source, [target.uri(), str(samples_path), str(report_path)])
    documents, listing = documents_beside(source, listing)
    log.info("%s listed in %s", counted(len(listing.objects), "object"), one_line(images_uri))
    annotated = read_annotations(annotation_format, annotations_uri, images_uri, listing.names)
    annotated = matched_names(treated(annotated, given_split), listing.names)
    everyone = one_spelling(without_boxes(annotated, boxes))
    annotated = of_chosen_annotator(everyone, label_policy)
    crops, listing = with_crops(listing, annotated.annotations)
    labelled, notes = _labelled(annotated, listing, source, rejected, label_policy)
    ids = [a.sample_id for a in labelled if not a.group]
    groups = dict(zip(ids, groups_of([photo_of(sample_id) for sample_id in ids], pattern, documents), strict=True))
    notes += alone(groups) if pattern else []
    agreement = agreement_of(everyone.annotations, {a.sample_id: a.label for a in labelled})
    # Of a million annotations nothing but their labels is kept while images are read.
    everyone = annotated = replace(annotated, annotations=list({a.label: a for a in annotated.annotations}.values()))
    check_classes(labelled, annotated, listing)  # Before an image is read; again when it is known which can be used.
    transfer = Transfer(source.uri(), target.uri(), on_bad_sample == "drop")
    chunks = list(chunks_of([listing.objects[agreed.sample_id] for agreed in labelled], crops))
    found = read_chunks(transfer, chunks, cluster, (source.uri(), photo_of(labelled[0].sample_id)))
    kept = _verified_samples(labelled, found.images, groups, rejected)
    samples = [sample for sample, _ in kept]
    left = {sample.sample_id for sample in samples}
    notes += remarked((a.sample_id, i) for a, i in zip(labelled, found.images, strict=True) if a.sample_id in left)
    notes += check_classes(samples, annotated, listing) + torn_groups(samples)
    records = [Record(sample, listing.objects[sample.sample_id].etag, place) for sample, place in kept]
    uri = write_dataset(target.uri(), records, found.parts, source.uri)
    verified = how_verified(found.means)
    summary = DataSummary(uri, annotated.format, samples, sorted(rejected.bad), notes, verified, agreement)
    write_samples(samples_path, summary.samples)
    write_data_report(report_path, summary, lambda shown: _images(transfer, found.parts, kept, shown))
    return summary


def _images(
    transfer: Transfer, parts: Mapping[str, Part], kept: Sequence[tuple[Sample, Place]], shown: Sequence[Sample]
) -> Iterator[tuple[Sample, bytes]]:
    """Yield `shown` with their images, read back by the places that are known here: no table is held beside them."""
    names = {sample.sample_id for sample in shown}
    placed = [Placed(sample, place) for sample, place in kept if sample.sample_id in names]
    return read_images(open_store(transfer.parts_uri), parts, placed)


def _labelled(
    annotated: AnnotationSet, listing: Listing, source: Store, rejected: Rejections, label_policy: str
) -> tuple[list[Agreed], list[str]]:
    agreed, disputed = agree(annotated.annotations, label_policy)
    there = [a for a in agreed if a.sample_id in listing.objects]
    check_any_is_there(there, agreed, listing, source.uri())
    unplaced, notes = outside_of_classes(source, listing, annotated.unplaced)
    bad = [*annotated.bad, *disputed, *listing.missing([a.sample_id for a in agreed]), *unplaced]
    rejected.add(bad, len({a.label for a in there}))
    settling = settled(annotated.annotations)
    return there, [*listing.notes, *annotated.notes, *settling, *notes, *_unlabelled(listing, annotated)]


def _verified_samples(
    labelled: Sequence[Agreed], images: Sequence[ReadImage], groups: Mapping[str, str], rejected: Rejections
) -> list[tuple[Sample, Place]]:
    readable = [
        (_sample(a, image, groups), image.place) for a, image in zip(labelled, images, strict=True) if image.place
    ]
    faulty = undecodable((a.sample_id, image) for a, image in zip(labelled, images, strict=True))
    rejected.add(faulty, len({sample.label for sample, _ in readable}))
    conflicts = {bad.sample_id: bad for bad in conflicting_labels([sample for sample, _ in readable])}
    kept = [(sample, place) for sample, place in readable if sample.sample_id not in conflicts]
    rejected.add(list(conflicts.values()), len({sample.label for sample, _ in kept}))
    return list(zip(join_identical([sample for sample, _ in kept]), [place for _, place in kept], strict=True))


def _sample(agreed: Agreed, image: ReadImage, groups: Mapping[str, str]) -> Sample:
    group = agreed.group or groups[agreed.sample_id]
    return Sample(agreed.sample_id, agreed.label, group, image.sha256, image.width, image.height, agreed.split)


def _unlabelled(listing: Listing, annotated: AnnotationSet) -> list[str]:
    known = {a.file_name for a in annotated.annotations} | {bad.sample_id for bad in annotated.bad}
    left = [] if annotated.classes else sorted(set(listing.names) - known)
    return noted(f"{counted(len(left), 'listed file has', 'listed files have')} no annotation: left out", left)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `python -m components.extract`."""
    parser = step_parser("extract", "Read annotations and images, verify them, write the dataset.")
    parser.add_argument("--annotations-uri", required=True, help="annotation file; empty to take labels from folders")
    parser.add_argument("--images-uri", required=True, help="folder or prefix of the images")
    parser.add_argument("--annotation-format", default="auto", help=f"auto, {', '.join(FORMATS)}")
    parser.add_argument("--group-pattern", default="", help="regex with one named group, of samples that stay together")
    parser.add_argument("--on-bad-sample", default="fail", help="fail, or drop and report")
    parser.add_argument("--given-split", default="refuse", help=f"images that are split already: {', '.join(CHOICES)}")
    parser.add_argument("--boxes", default="refuse", help=f"boxes within images: {', '.join(BOXES)}")
    parser.add_argument("--label-policy", default="majority", help=f"{', '.join(POLICIES)} or {ONE}NAME")
    parser.add_argument("--dataset-store", required=True, help="folder or prefix under which datasets are kept")
    parser.add_argument("--engine", default=LOCAL, help=f"who reads the images: {' or '.join(ENGINES)}")
    parser.add_argument("--ray-address", default="", help="of engine=ray: ray://host:10001, or on a node host:6379")
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
    with open_engine(arguments.engine, arguments.ray_address) as cluster:  # Before anything that takes time.
        summary = extract(
            arguments.annotations_uri,
            arguments.images_uri,
            arguments.dataset_store,
            annotation_format=arguments.annotation_format,
            group_pattern=arguments.group_pattern,
            on_bad_sample=arguments.on_bad_sample,
            given_split=arguments.given_split,
            boxes=arguments.boxes,
            label_policy=arguments.label_policy,
            samples_path=arguments.samples,
            report_path=arguments.report,
            cluster=cluster,
        )
    for line in [summary.verified, *summary.notes, *(f"dropped: {bad}" for bad in summary.dropped)]:
        log.info("%s", one_line(line, 2000))
    log.info("dataset of %s: %s", counted(len(summary.samples), "sample"), one_line(summary.dataset_uri))
    outputs.parameter("dataset_uri", summary.dataset_uri)
    outputs.parameter("fingerprint", summary.fingerprint)
    outputs.metadata("samples", {"samples": len(summary.samples), "fingerprint": summary.fingerprint})
