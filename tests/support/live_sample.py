"""The packaged sample in a store that pods reach, and a run of it that a small cluster has room for."""

from pathlib import Path
from typing import Any

from pipeline.sample.photos import write_sample
from tests.support.live_store import LiveStore

LITTLE = {"cpu": "1", "cpu_request": "500m", "memory_request": "500Mi", "memory": "3Gi", "epochs": 2}


def put_sample(store: LiveStore, folder: Path) -> dict[str, Any]:
    """Write the sample to `folder` and to `store`; return the parameters of a run of it."""
    write_sample(folder / "sample")
    uri = store.put_folder(f"sample/{folder.name}", folder / "sample")
    places = {"annotations_uri": f"{uri}/annotations.json", "images_uri": f"{uri}/images"}
    return {**places, "dataset_store": f"{store.uri}/datasets/{folder.name}", **LITTLE}
