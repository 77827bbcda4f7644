"""The course's way of fetching the images, the baseline: one after another, each by its own `download_file`."""

import json
import random
from pathlib import Path
from typing import Any


def fetch_images(client: Any, annotations: Path, bucket: str, prefix: str, folder: Path) -> None:
    """Download every annotated image into `folder`/train|evaluate|test/<label>/, sequentially."""
    labels = {item["fileName"]: item["annotation"]["label"] for item in json.loads(annotations.read_text())}
    names = list(labels)
    random.shuffle(names)
    first, second = int(0.8 * len(names)), int(0.9 * len(names))
    for part, chosen in (("train", names[:first]), ("evaluate", names[first:second]), ("test", names[second:])):
        for name in chosen:
            place = folder / part / labels[name]
            place.mkdir(parents=True, exist_ok=True)
            client.download_file(bucket, f"{prefix}/{name}", str(place / name))
