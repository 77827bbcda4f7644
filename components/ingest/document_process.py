"""Takes the photos, or the pages, out of one PDF; in a process of its own, as PDFium may crash, hang or grow on one.

Runs as a script: the task as JSON on stdin, PNGs in its folder, and on stdout one line of JSON for each image taken or
left out, then one for the whole. No script of a document is run: PDFium is built without an engine for them.
"""

import hashlib
import json
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
from PIL import Image
from pypdfium2 import raw

ENCRYPTED = 4  # FPDF_ERR_PASSWORD
DEEPEST = 15  # Forms within forms.
Found = dict[str, Any]


def main() -> None:
    """Read the task and write what the module says."""
    task = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_CPU, (task["seconds"], task["seconds"] + 1))
    resource.setrlimit(resource.RLIMIT_AS, (task["bytes"], task["bytes"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        for found in _images(task):
            print(json.dumps(found), flush=True)
        fault = ""
    except _BadDocument as error:
        fault = str(error)
    except MemoryError:
        fault = "takes more memory than a document may"
    print(json.dumps({"done": True, "fault": fault}), flush=True)


class _BadDocument(Exception):
    """The document cannot be read, and why."""


def _images(task: Found) -> Iterator[Found]:
    document = _opened(task["path"])
    if len(document) > task["most_pages"]:
        raise _BadDocument(f"has {len(document)} pages, more than the limit of {task['most_pages']}")
    seen: dict[str, str] = {}
    kept = 0
    for number in range(len(document)):
        for index, found in enumerate(_of_page(document, number, task)):
            place = {"page": number, "index": index}
            if isinstance(found, str):
                yield {**place, "left_out": found}
                continue
            digest = hashlib.sha256(f"{found.size}{found.mode}".encode() + found.tobytes()).hexdigest()
            if digest in seen:
                yield {**place, "left_out": f"is the same image as {seen[digest]}"}
                continue
            kept += 1
            if kept > task["most_images"]:
                raise _BadDocument(f"has more than {task['most_images']} images")
            seen[digest] = f"index {index} of page {number}"
            path = Path(task["folder"], f"{number}_{index}.png")
            found.save(path, "PNG")
            yield {**place, "width": found.width, "height": found.height, "file": path.name}


def _opened(path: str) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        encrypted = getattr(error, "err_code", None) == ENCRYPTED
        raise _BadDocument("is encrypted" if encrypted else "is no PDF that can be read") from error


def _of_page(document: pdfium.PdfDocument, number: int, task: Found) -> Iterator[Image.Image | str]:
    """Yield each image of the page, or why it is left out."""
    try:
        page = document[number]
    except pdfium.PdfiumError:
        yield "the page cannot be read"
        return
    try:
        if task["what"] == "pages":
            yield _rendered(page, task)
            return
        found = 0
        for image in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=DEEPEST):
            found += 1
            yield _embedded(image, task)
        if not found:
            yield "the page holds no photo"
    finally:
        page.close()


def _rendered(page: pdfium.PdfPage, task: Found) -> Image.Image | str:
    scale = task["dpi"] / 72  # A PDF's unit is 1/72 inch.
    width, height = (side * scale for side in page.get_size())
    if min(width, height) < 1 or width * height > task["most_pixels"]:
        return f"the page has {width:.0f} x {height:.0f} pixels at {task['dpi']} dpi, of at most {task['most_pixels']}"
    try:
        drawn: Image.Image = page.render(scale=scale, may_draw_forms=False).to_pil().convert("RGB")
        return drawn
    except pdfium.PdfiumError:
        return "the page cannot be drawn"


def _embedded(image: pdfium.PdfImage, task: Found) -> Image.Image | str:
    try:
        width, height = image.get_px_size()
        if width * height > task["most_pixels"]:
            return f"the image has {width} x {height} pixels, more than the limit of {task['most_pixels']}"
        if min(width, height) < task["least_side"]:
            return f"the image has {width} x {height} pixels, fewer than {task['least_side']} a side"
        decoded: Image.Image = image.get_bitmap(render=_is_turned(image)).to_pil().convert("RGB")
        return decoded
    except (pdfium.PdfiumError, ValueError):
        return "the image cannot be decoded"


def _is_turned(image: pdfium.PdfImage) -> bool:
    """Tell whether the page shows the image turned or mirrored, so that it must be drawn to be upright."""
    a, b, c, d, _, _ = image.get_matrix().get()
    return not (a > 0 and d > 0 and abs(b) < 1e-6 * a and abs(c) < 1e-6 * d)


if __name__ == "__main__":
    main()
