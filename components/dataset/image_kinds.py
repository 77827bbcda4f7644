"""What kind of image some bytes begin, accepted or not, told by their first 32."""

# Sources: the specifications of each format; HEIF's brands from ISO/IEC 23008-12, AVIF's from its own.
_STARTS = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"8BPS\0\x01": "Photoshop file",
    b"\0\0\x01\0": "icon",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"FUJIFILM": "raw photo",
}
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF", b"crx ": "raw photo"}
_HEIF = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")


def image_kind(start: bytes) -> str:
    """Return the name of the kind of image that begins with `start`, empty for what is none."""
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WebP"
    if start[:2] == b"BM" and start[6:10] == bytes(4):
        return "BMP"
    if start[4:8] == b"ftyp":
        return "HEIC" if start[8:12] in _HEIF else _BRANDS.get(start[8:12], "")
    return next((kind for known, kind in _STARTS.items() if start.startswith(known)), "")
