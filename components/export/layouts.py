"""How datasets are laid out for others: where each image goes, and the file that says what it is."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from components.dataset.samples import Sample
from components.step.errors import DataError, one_line
from components.storage.names import check_name


@dataclass(frozen=True, slots=True)
class Layout:
    """`place` says where a sample's image goes; `index` is the file that describes `samples`, and `text` what it says.

    Read back with that file as annotations and `images` as the images, the dataset has the same samples, labels and
    groups; of class folders, the samples are called as they lie there.
    """

    place: Callable[[Sample], str]
    images: str
    index: str
    text: Callable[[Sequence[Sample]], str]


def _in_class_folder(sample: Sample) -> str:
    """Return the place below the folder of the class, which a sample that lies in such a one already keeps."""
    inside = sample.sample_id.startswith(f"{sample.label}/")
    if "/" not in sample.label and not sample.label.startswith("."):
        try:
            return check_name(sample.sample_id if inside else f"{sample.label}/{sample.sample_id}")
        except DataError:
            pass
    raise DataError(
        "A label must be able to name a folder, with its images in it. "
        f"Received: {one_line(repr(sample.label), 80)} of {one_line(sample.sample_id, 120)}. "
        "Export as image-folder or coco."
    )


def _table(samples: Sequence[Sample]) -> str:
    buffer = io.StringIO()
    with_split = any(sample.given_split for sample in samples)
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["file", "label", "group", *(["split"] if with_split else [])])
    for sample in samples:
        writer.writerow(
            [_in_class_folder(sample), sample.label, sample.group, *([sample.given_split] if with_split else [])]
        )
    return buffer.getvalue()


def _metadata(samples: Sequence[Sample]) -> str:
    return "".join(_line(sample) for sample in samples)


def _line(sample: Sample) -> str:
    described = {"file_name": sample.sample_id, "label": sample.label, "group": sample.group, **_split(sample)}
    return json.dumps(described, ensure_ascii=False) + "\n"


def _coco(samples: Sequence[Sample]) -> str:
    """Return COCO with an annotation without a box for each image, and two names of ours: group and split."""
    ids = {label: number for number, label in enumerate(sorted({sample.label for sample in samples}))}
    images = [
        {
            **{"id": number, "file_name": sample.sample_id, "width": sample.width, "height": sample.height},
            **{"group": sample.group, **_split(sample)},
        }
        for number, sample in enumerate(samples)
    ]
    annotations = [
        {"id": number, "image_id": number, "category_id": ids[sample.label], "iscrowd": 0}
        for number, sample in enumerate(samples)
    ]
    categories = [{"id": number, "name": label} for label, number in ids.items()]
    return (
        json.dumps({"images": images, "categories": categories, "annotations": annotations}, ensure_ascii=False) + "\n"
    )


def _split(sample: Sample) -> Mapping[str, str]:
    return {"split": sample.given_split} if sample.given_split else {}


def _below_images(sample: Sample) -> str:
    return f"images/{sample.sample_id}"


LAYOUTS = {
    "folders": Layout(_in_class_folder, "", "labels.csv", _table),
    "image-folder": Layout(lambda sample: sample.sample_id, "", "metadata.jsonl", _metadata),
    "coco": Layout(_below_images, "images", "annotations.json", _coco),
}


def check_places(layout: Layout, samples: Iterable[Sample]) -> None:
    """Check that each sample has a place of its own beside the index.

    Raises:
        DataError: two have the same, or one that of the index or of a folder.
    """
    places: dict[str, str] = {layout.index: "the file that describes them"}
    for sample in samples:
        place = layout.place(sample)
        if place in places:
            both = f"{one_line(sample.sample_id, 120)} and {one_line(places[place], 120)}"
            raise DataError(
                "Each image must have a place of its own in an export. "
                f"Received: {both}, both {one_line(place, 120)}. Export in another form."
            )
        places[place] = sample.sample_id
