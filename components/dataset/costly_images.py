"""Files that are built to cost far more time than a picture of their size needs; told before anything is decoded.

The limit on pixels does not catch them: each has few pixels or few bytes, and still holds a processor for seconds.
No camera or program writes such files, so nothing is lost by refusing them.
"""

import re
from collections.abc import Iterator
from itertools import islice

# Each scan of a progressive JPEG goes over all its pixels; an empty one takes 40 bytes, so half a million fit in 20 MB.
# Encoders write 3 to 14. 64 scans of 25 megapixels take 0.6 s. What follows the end of the image, such as the film of a
# motion photo, is never decoded and does not count.
MAX_SCANS = 64
# Pillow reads the parts of a PNG, and of a JPEG up to its pixels, in Python, 2 µs each; millions fit in 20 MB.
# Encoders make PNG's chunks of 8 kB and more, and fill JPEG's segments of 64 kB before they begin another.
MAX_PARTS = 10_000
# Pillow decodes run lengths in Python, 0.2 µs a byte.
MAX_RUNS_BYTES = 2 << 20

_START_OF_SCAN = b"\xff\xda"  # Source: ITU-T T.81, B.1.1.2. Entropy-coded data never holds it: there, zero follows 255.
# Restart markers stand within a scan, and any number of bytes 255 before a marker.
_MARKER = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])", re.DOTALL)
_SCAN, _END = 0xDA, 0xD9
_WITH_LENGTH = {*range(0xC0, 0xD0), *range(0xDA, 0xFF)}  # Source: ITU-T T.81, table B.1.
_RUN_LENGTHS = (1, 2)  # Source: BITMAPINFOHEADER, biCompression: BI_RLE8, BI_RLE4.


def why_costly(data: bytes) -> str | None:
    """Return what makes the encoded image in `data` too costly to decode, None for an ordinary one."""
    if data.startswith(b"\xff\xd8"):
        if _has_too_many(_jpeg_parts(data)):
            return f"is a JPEG of more than {MAX_PARTS} segments"
        codes = list(islice(_jpeg_markers(data), MAX_PARTS + 1)) if _may_have_too_many_markers(data) else []
        if codes.count(_SCAN) > MAX_SCANS:
            return f"is a JPEG of more than {MAX_SCANS} scans"
        if len(codes) > MAX_PARTS:
            return f"is a JPEG of more than {MAX_PARTS} segments"
    elif data.startswith(b"\x89PNG\r\n\x1a\n"):
        if _has_too_many(_png_parts(data)):
            return f"is a PNG of more than {MAX_PARTS} chunks"
    elif data.startswith(b"BM") and _is_run_lengths(data) and len(data) > MAX_RUNS_BYTES:
        return f"is a run-length BMP of more than {MAX_RUNS_BYTES} bytes"
    return None


def _has_too_many(parts: Iterator[int]) -> bool:
    return next(islice(parts, MAX_PARTS, None), None) is not None


def _jpeg_parts(data: bytes) -> Iterator[int]:
    """Yield where each segment before the first scan begins, fill bytes one by one. Source: ITU-T T.81, B.1.1.4."""
    position = 2
    while position + 4 <= len(data) and data[position : position + 2] != _START_OF_SCAN:
        yield position
        # What is no marker, and what has no length, Pillow passes over byte by byte as well.
        is_segment = data[position] == 0xFF and data[position + 1] in _WITH_LENGTH
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big") if is_segment else 1


def _may_have_too_many_markers(data: bytes) -> bool:
    # Each marker is a byte 255 without a zero behind it. Counting these costs a tenth of walking from marker to marker,
    # which for a large photo is a fifth of decoding it.
    if data.count(_START_OF_SCAN) > MAX_SCANS:
        return True
    return data.count(b"\xff") > MAX_PARTS and data.count(b"\xff") - data.count(b"\xff\x00") > MAX_PARTS


def _jpeg_markers(data: bytes) -> Iterator[int]:
    """Yield the code of each marker as libjpeg meets it, up to the end of the image; segments are passed over whole."""
    position = 2
    while (found := _MARKER.search(data, position)) and (code := found[1][0]) != _END:
        yield code
        start = found.end()
        position = start + int.from_bytes(data[start : start + 2], "big") if code in _WITH_LENGTH else start


def _png_parts(data: bytes) -> Iterator[int]:
    """Yield where each chunk but the last begins. Source: PNG specification, 5.3: length, type, data, CRC."""
    position = 8
    while position + 12 <= len(data) and data[position + 4 : position + 8] != b"IEND":
        yield position
        position += 12 + int.from_bytes(data[position : position + 4], "big")


def _is_run_lengths(data: bytes) -> bool:
    return int.from_bytes(data[30:34], "little") in _RUN_LENGTHS
