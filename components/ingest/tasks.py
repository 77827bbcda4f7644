"""Lists of what is to be labelled, as labelling tools take them."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

LABEL_STUDIO = "label-studio-tasks.json"
ECOTAG = "ecotag-tasks.json"


def label_studio_tasks(images: Sequence[tuple[str, str]], root: str) -> str:
    """Return a task for each of `images`, (name, group), which lie at `root`: an s3:// URI, or a folder.

    Of a folder the address is the one under which Label Studio serves local files, below its document root.
    """
    local = "://" not in root
    tasks = [
        {"data": {"image": f"/data/local-files/?d=images/{quote(name)}" if local else f"{root}/{name}", "group": group}}
        for name, group in images
    ]
    return json.dumps(tasks, indent=1, ensure_ascii=False) + "\n"


def ecotag_tasks(images: Sequence[tuple[str, str]], project: str) -> str:
    """Return `images`, (name, group), as an ecotag project of which nothing is labelled yet."""
    return _ecotag(project, [{"fileName": name} for name, _ in images])


def _ecotag(project: str, annotations: Sequence[dict[str, Any]]) -> str:
    head: dict[str, object] = {
        "projectName": project,
        "projectType": "ImageClassifier",
        "datasetName": project,
        "datasetType": "Image",
    }
    head |= {"classification": "Confidential", "numberAnnotationsDone": 0, "numberAnnotationsToDo": len(annotations)}
    return json.dumps({**head, "annotations": annotations}, indent=1, ensure_ascii=False) + "\n"
