"""Exports as the tools write them, by format: the shapes of their documentation and of real files, small."""

import json
from typing import Any

from tests.support.annotation_files import annotation, project


def label_studio_task(number: int, image: str, *annotations: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A task as Label Studio 1.x exports it (JSON)."""
    return {
        "id": number,
        "annotations": list(annotations),
        "file_upload": image.rpartition("/")[2],
        "drafts": [],
        "predictions": [],
        "data": {"image": image},
        "meta": {},
        "created_at": "2023-03-01T10:00:00.000000Z",
        "updated_at": "2023-03-01T10:05:00.000000Z",
        "inner_id": number,
        "total_annotations": len(annotations),
        "cancelled_annotations": 0,
        "total_predictions": 0,
        "comment_count": 0,
        "project": 7,
        "updated_by": 1,
        "comment_authors": [],
        **more,
    }


def label_studio_annotation(*labels: str, by: Any = 1, **more: Any) -> dict[str, Any]:
    """An annotation with choices; several labels are several choices at once."""
    result = {
        "value": {"choices": list(labels)},
        "id": "JnTFT4Jq7C",
        "from_name": "choice",
        "to_name": "image",
        "type": "choices",
        "origin": "manual",
    }
    return {
        "id": 11,
        "completed_by": by,
        "result": [result] if labels else [],
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2023-03-01T10:00:00.000000Z",
        "updated_at": "2023-03-01T10:05:00.000000Z",
        "draft_created_at": None,
        "lead_time": 4.288,
        "prediction": {},
        "result_count": 1,
        "unique_id": "b3b5",
        "import_id": None,
        "last_action": None,
        "task": 1,
        "project": 7,
        "updated_by": 1,
        "parent_prediction": None,
        "parent_annotation": None,
        "last_created_by": None,
        **more,
    }


def label_studio_row(image: str, choice: object, by: int = 1, number: int = 1) -> dict[str, Any]:
    """An annotation as JSON-MIN has it."""
    row = {"image": image, "id": number, "annotator": by, "annotation_id": number}
    row |= {"created_at": "2023-03-01T10:00:00.000000Z", "updated_at": "2023-03-01T10:05:00.000000Z"}
    return {**row, "lead_time": 2.1, **({} if choice is None else {"choice": choice})}


LABEL_STUDIO_CSV = """annotation_id,annotator,choice,created_at,id,image,lead_time,updated_at
1,1,cat,2023-03-01T10:00:00.000000Z,1,/data/upload/1/0a1b2c3d-a.png,4.1,2023-03-01T10:05:00.000000Z
2,2,dog,2023-03-01T10:00:00.000000Z,2,s3://photos/pets/b.png,3.2,2023-03-01T10:05:00.000000Z
"""


def coco(*annotations: dict[str, Any], **more: Any) -> dict[str, Any]:
    """COCO with the images a.png and b.png of 24 x 16 pixels, and the categories cat and dog."""
    images = [
        {"id": number, "license": 1, "file_name": name, "height": 16, "width": 24, "date_captured": "2023-03-01"}
        for number, name in enumerate(["a.png", "b.png"])
    ]
    categories = [{"id": number, "name": name, "supercategory": "pets"} for number, name in enumerate(["cat", "dog"])]
    info = {"info": {"year": "2023", "version": "1"}, "licenses": [{"id": 1, "url": "", "name": "CC BY 4.0"}]}
    return {**info, "categories": categories, "images": images, "annotations": list(annotations), **more}


def coco_annotation(image: int, category: int, box: list[float] | None = None, number: int = 0) -> dict[str, Any]:
    found = {"id": number, "image_id": image, "category_id": category, "iscrowd": 0, "segmentation": []}
    return found | ({} if box is None else {"bbox": box, "area": box[2] * box[3] if len(box) == 4 else 0})


def cvat(*images: str) -> str:
    """CVAT for images 1.1, with `images`, its elements, as they are."""
    meta = "<meta><task><id>4</id><name>pets</name><size>2</size><mode>annotation</mode><labels><label><name>cat</name>"
    meta += "<type>tag</type></label></labels></task><dumped>2023-03-01</dumped></meta>"
    body = "".join(images)
    return f'<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version>{meta}{body}</annotations>\n'


def cvat_image(name: str, *inside: str, number: int = 0, **more: str) -> str:
    attributes = "".join(f' {key}="{value}"' for key, value in more.items())
    return f'<image id="{number}" name="{name}" width="24" height="16"{attributes}>{"".join(inside)}</image>'


def cvat_tag(label: str) -> str:
    return f'<tag label="{label}" source="manual"><attribute name="blurred">no</attribute></tag>'


# What each of them says: a.png is a cat, b.png a dog.
BY_FORMAT = {
    "ecotag": json.dumps(project(annotation("a.png", "cat"), annotation("b.png", "dog"))),
    "label-studio": json.dumps(
        [
            label_studio_task(1, "/data/upload/1/0a1b2c3d-a.png", label_studio_annotation("cat")),
            label_studio_task(2, "s3://photos/pets/b.png", label_studio_annotation("dog")),
        ]
    ),
    "label-studio-min": json.dumps(
        [
            label_studio_row("/data/upload/1/0a1b2c3d-a.png", "cat"),
            label_studio_row("s3://photos/pets/b.png", "dog", 1, 2),
        ]
    ),
    "label-studio-csv": LABEL_STUDIO_CSV,
    "coco": json.dumps(coco(coco_annotation(0, 0), coco_annotation(1, 1, [0, 0, 24, 16], 1))),
    "cvat": cvat(cvat_image("a.png", cvat_tag("cat")), cvat_image("pets/b.png", cvat_tag("dog"), number=1)),
    "image-folder": "file_name,label\na.png,cat\nb.png,dog\n",
    "open-images": "ImageID,Source,LabelName,Confidence\na,verification,cat,1\nb,verification,dog,1\n"
    "a,verification,dog,0\n",
    "csv": "file,label\na.png,cat\nb.png,dog\n",
}
OTHER_FORMS = {
    "image-folder": [
        '{"file_name": "a.png", "label": "cat"}\n{"file_name": "b.png", "label": "dog"}\n',
        '{"file_name": "a.png", "label": "cat", "text": "images, annotations"}\n',
        "text,file_name,label\nfile,a.png,cat\n",
    ],
    "coco": [
        json.dumps({key: coco(coco_annotation(0, 0))[key] for key in ("annotations", "images", "categories")}),
        json.dumps(coco(coco_annotation(0, 0)), indent=2),
    ],
    "ecotag": [
        json.dumps([annotation("a.png", "cat")]),
        json.dumps({"annotations": [annotation("a.png", "cat")], "images": []}),
        json.dumps(project(annotation("a.png", "cat"), images=[{"id": 1, "file_name": "x"}]), indent=1),
    ],
    "label-studio": [
        json.dumps([label_studio_task(1, "s3://p/a.png")]),
        json.dumps([{"id": 1, "data": {"image": "a.png"}, "completions": [label_studio_annotation("cat")]}]),
        json.dumps([{"id": 1, "data": {"image": "a.png", "file_name": "x"}, "annotations": [], "predictions": []}]),
    ],
    "label-studio-csv": ["image,id,choice,annotator,annotation_id,created_at\ns3://p/a.png,1,cat,1,1,2023\n"],
    "csv": [
        "image,class\na.png,cat\n",
        "Image Name;Label\na.png;cat\n",
        "id,label\na,cat\n",
        "image_id,label\na,cat\n",
        "label,filename,annotator\ncat,a.png,ann\n",
        'label,"image name"\ncat,a.png\n',
    ],
    "open-images": [
        "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside\n"
        "a,xclick,/m/01yrx,1,0.1,0.5,0.2,0.6,0,0,0,0,0\n",
        "ImageID,LabelName\na,/m/01yrx\n",
    ],
    "cvat": [
        cvat(cvat_image("a.png")).replace("\n", "\r\n"),
        "<annotations><image id='0' name='a.png'/></annotations>",
    ],
}
