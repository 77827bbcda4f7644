"""PDFs for tests, written object by object: photos, scripts, what grows, what is locked."""

import zlib
from collections.abc import Sequence

from tests.support.generated import image_bytes


def pdf(*pages: Sequence[tuple[int, tuple[int, int]]], size: tuple[float, float] = (200, 200), **more: bytes) -> bytes:
    """Return a PDF with a page for each of `pages`, the (seed, size) of its photos; `more` goes into the catalog."""
    objects: list[bytes] = []

    def add(body: bytes) -> int:
        objects.append(body)
        return len(objects)

    photos: dict[tuple[int, tuple[int, int]], int] = {}
    kids = []
    for page in pages:
        for photo in page:
            if photo not in photos:
                photos[photo] = add(photo_object(*photo))
        names = b" ".join(b"/I%d %d 0 R" % (at, photos[photo]) for at, photo in enumerate(page))
        content = add(stream(b"\n".join(b"q 100 0 0 100 %d 0 cm /I%d Do Q" % (9 * at, at) for at in range(len(page)))))
        resources = b"<</XObject<<%s>>>>" % names
        box = b"[0 0 %g %g]" % size
        kids.append(
            add(b"<</Type/Page/MediaBox%s/Resources%s/Contents %d 0 R/Parent 0 0 R>>" % (box, resources, content))
        )
    tree = add(b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(kids), b" ".join(b"%d 0 R" % kid for kid in kids)))
    objects[:] = [body.replace(b"/Parent 0 0 R", b"/Parent %d 0 R" % tree) for body in objects]
    extra = b"".join(b"/%s %s" % (name.encode(), value) for name, value in more.items() if name != "trailer")
    root = add(b"<</Type/Catalog/Pages %d 0 R%s>>" % (tree, extra))
    return written(objects, root, more.get("trailer", b""))


def photo_object(seed: int, size: tuple[int, int]) -> bytes:
    """An embedded JPEG of noise."""
    head = b"/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 8/ColorSpace/DeviceRGB" % size
    return stream(image_bytes(seed, size, "JPEG"), head + b"/Filter/DCTDecode")


def stream(data: bytes, head: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (head, len(data), data)


def written(objects: Sequence[bytes], root: int, trailer: bytes = b"") -> bytes:
    """Return the file of `objects`, numbered from 1."""
    data, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    table = b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, rows)
    return (
        data
        + table
        + b"trailer<</Size %d/Root %d 0 R%s>>\nstartxref\n%d\n%%%%EOF\n"
        % (
            len(objects) + 1,
            root,
            trailer,
            len(data),
        )
    )


def locked_pdf() -> bytes:
    """A PDF that asks for a password."""
    lock = b"/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<%s>/U<%s>>>/ID[<00><00>]" % (b"ab" * 32, b"cd" * 32)
    return pdf([(1, (32, 32))], trailer=lock)


def pixel_bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """An image whose pixels take 10 GB, of a few bytes."""
    head = b"/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 8/ColorSpace/DeviceRGB/Filter/FlateDecode"
    return pdf([(1, (32, 32))]).replace(
        photo_object(1, (32, 32)), stream(zlib.compress(bytes(9)), head % (width, height))
    )


def content_bomb(megabytes: int = 3000) -> bytes:
    """A page whose drawing instructions are zeros that take thousands of times their size."""
    compressor = zlib.compressobj(9)
    data = b"".join(compressor.compress(bytes(1 << 20)) for _ in range(megabytes)) + compressor.flush()
    page = b"<</Type/Page/MediaBox[0 0 9 9]/Resources<<>>/Contents 1 0 R/Parent 3 0 R>>"
    tree = b"<</Type/Pages/Count 1/Kids[2 0 R]>>"
    return written([stream(data, b"/Filter/FlateDecode"), page, tree, b"<</Type/Catalog/Pages 3 0 R>>"], 4)
