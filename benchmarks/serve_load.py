"""Load: photos of about 26 kB, posted by wrk as fast as they are answered."""

import io
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

PHOTO_BYTES = 26_000
PHOTO_SIZE = 500, 375
CORNERS = [(x, y) for x in (0, 70, 140) for y in (0, 26, 52)]
SCRIPT = Path(__file__).parent / "serve_load.lua"
LATENCY_LIMIT = "30s"  # wrk's own would count slower answers as broken.


@dataclass(frozen=True)
class Load:
    """What wrk measured: answers a second, latencies in ms, answers other than 2xx, requests without an answer."""

    rate: float
    p50: float
    p99: float
    refused: int
    broken: int

    @property
    def bad(self) -> int:
        """Requests that were not answered with 2xx."""
        return self.refused + self.broken


def require_generators() -> None:
    """End with what to install where a load generator is missing."""
    if missing := [name for name in ("wrk", "hey") if shutil.which(name) is None]:
        raise SystemExit(
            f"Serving is measured with wrk and hey. Missing: {', '.join(missing)}. apt-get install wrk hey"
        )


def write_photos(folder: Path) -> list[bytes]:
    """Write 18 JPEGs of about 26 kB, parts of scikit-learn's two photos, to `folder`; return them."""
    from sklearn.datasets import load_sample_images

    photos = [Image.fromarray(pixels) for pixels in load_sample_images().images]
    parts = [photo.crop((x, y, x + PHOTO_SIZE[0], y + PHOTO_SIZE[1])) for photo in photos for x, y in CORNERS]
    encoded = [min(map(_jpeg(part), range(30, 96, 2)), key=lambda data: abs(len(data) - PHOTO_BYTES)) for part in parts]
    folder.mkdir(parents=True, exist_ok=True)
    for index, data in enumerate(encoded):
        (folder / f"{index:02}.jpg").write_bytes(data)
    return encoded


def _jpeg(image: Image.Image):
    def encoded(quality: int) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        return buffer.getvalue()

    return encoded


def load(url: str, photos: Path, concurrency: int, seconds: float) -> Load:
    """Return what wrk measures with `concurrency` connections to `url`, each with one request at a time."""
    options = [f"-c{concurrency}", f"-d{max(1, round(seconds))}s", "--timeout", LATENCY_LIMIT, "-s", str(SCRIPT)]
    command = ["wrk", "-t1", *options, url, "--", str(photos)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = json.loads(printed.splitlines()[-1])
    rate = found["requests"] / found["microseconds"] * 1e6
    return Load(rate, found["p50"] / 1000, found["p99"] / 1000, found["refused"], found["broken"])
