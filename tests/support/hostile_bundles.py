"""Bundles that are sealed and yet not what they must be: each a change to a whole one of a small network."""

import io
import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from components.bundle.manifest import GOLDEN, MANIFEST, NETWORK, ONNX_NETWORK, SEALED, sha256_of
from components.step.sealed_json import DIGEST

DEEP = 100_000


@dataclass(frozen=True)
class Hostile:
    """A change to the bundle in a folder, and the files whose readers must refuse it: any of all, if empty."""

    name: str
    spoil: Callable[[Path], object]
    only: str = ""


def seal(bundle: Path, **changes: object) -> None:
    """Make the manifest say what the files are now, and `changes` beside; without a digest, as older ones are."""
    files = {name: sha256_of(bundle / name) for name in SEALED if (bundle / name).is_file()}
    values = {name: value for name, value in json.loads((bundle / MANIFEST).read_text()).items() if name != DIGEST}
    (bundle / MANIFEST).write_text(json.dumps({**values, "files": {**values["files"], **files}, **changes}))


def hostile_bundles() -> list[Hostile]:
    """Return all of them, the same on every call."""
    return [*_manifests(), *_goldens(), *_networks(), *_files()]


def _manifests() -> list[Hostile]:
    def text(name: str, content: str | bytes) -> Hostile:
        data = content.encode() if isinstance(content, str) else content
        return Hostile(f"manifest {name}", lambda bundle: (bundle / MANIFEST).write_bytes(data))

    def says(name: str, **values: Any) -> Hostile:
        return Hostile(f"manifest {name}", lambda bundle: seal(bundle, **values))

    nested: Any = 0
    for _ in range(200):
        nested = {"a": [nested]}
    return [
        text("of 100,000 brackets", "[" * DEEP),
        text("of 100,000 whole brackets", "[" * DEEP + "]" * DEEP),
        text("of 100,000 objects", '{"a":' * DEEP),
        text("of a million lists", f"[{'[],' * 1_000_000}[]]"),
        text("of a number of 5,000 digits", f'{{"format_version": {"9" * 5000}}}'),
        text("of no UTF-8", b"\xff\xfe"),
        text("of nothing", ""),
        says("of 400 levels", data={"a": nested}),
        says("of another size", image_size=300),
        says("of another size of 4096", image_size=4096),
        says("with one name too many", class_names=["cat", "dog", "other", "none"]),
        says("with one name too few", class_names=["cat", "dog"]),
        says("with half a character", class_names=["cat", "dog", "\ud800"]),
        says("of unhashable names", class_names=[["cat"], ["dog"], ["other"]]),
        says("whose files are numbers", files=dict.fromkeys(SEALED, 7)),
        says("without files", files=None),
        *(says(f"{name} of {kind}", **{name: value}) for name, kind, value in _WRONG_TYPES),
    ]


_WRONG_TYPES = [
    (name, type(value).__name__, value)
    for name in ("backbone", "weights", "metrics", "training", "data", "library_versions", "temperature", "split_seed")
    for value in ([], None, True)
]


def _goldens() -> list[Hostile]:
    def arrays(name: str, **values: Any) -> Hostile:
        return Hostile(f"golden {name}", lambda bundle: (np.savez(bundle / GOLDEN, **values), seal(bundle)))

    def content(name: str, make: Callable[[], bytes]) -> Hostile:
        return Hostile(f"golden {name}", lambda bundle: ((bundle / GOLDEN).write_bytes(make()), seal(bundle)))

    pixels, rows = np.zeros((2, 16, 16, 3), "u1"), np.full((2, 3), 1 / 3, "f4")
    return [
        arrays("without images", images=pixels[:0], probabilities=rows[:0]),
        arrays("of no dimension", images=np.uint8(1), probabilities=np.float32(1)),
        arrays("of objects", images=np.array([{}], dtype=object), probabilities=rows),
        arrays("of nothing", x=rows),
        arrays("of texts", images=np.array(["a"]), probabilities=rows),
        arrays("of another width", images=pixels, probabilities=np.full((2, 4), 0.25, "f4")),
        arrays("of no number", images=pixels, probabilities=rows * np.nan),
        arrays("of 1,000 images", images=np.zeros((1000, 16, 16, 3), "u1"), probabilities=np.ones((1000, 3), "f4")),
        content("that inflates to 1.4 GB", lambda: _inflating(1_400_000_000, zipfile.ZIP_DEFLATED)),
        content("that inflates by bzip2", lambda: _inflating(1_400_000_000, zipfile.ZIP_BZIP2)),
        content(
            "that lies about its shape", lambda: _archive({"images.npy": _npy_head("(99999, 999, 999, 3)", "|u1")})
        ),
        content("of a type without size", lambda: _archive({"images.npy": _npy_head("(9999999999999,)", "|V0")})),
        content("whose head is nested", lambda: _archive({"images.npy": _npy_head("(" * 9000, "|u1")})),
        content("of 100,000 members", lambda: _archive({f"{i}": b"" for i in range(100_000)})),
        content("that is no archive", lambda: b"PK\3\4" * 100),
        content("of no bytes", lambda: b""),
    ]


def _inflating(size: int, method: int) -> bytes:
    """Return an archive of images that inflate to `size` bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        with archive.open("images.npy", "w") as member:
            member.write(_npy_head(f"({size // 768}, 16, 16, 3)", "|u1"))
            piece = bytes(10_000_000)
            for _ in range(size // len(piece)):
                member.write(piece)
        archive.writestr("probabilities.npy", b"")
    return buffer.getvalue()


def _npy_head(shape: str, kind: str) -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text


def _archive(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _networks() -> list[Hostile]:
    def content(name: str, data: bytes) -> list[Hostile]:
        def spoil(file: str) -> Callable[[Path], object]:
            return lambda bundle: ((bundle / file).write_bytes(data), seal(bundle))

        return [Hostile(f"{file} {name}", spoil(file), file) for file in (NETWORK, ONNX_NETWORK)]

    def config(name: str, text: str, method: int = zipfile.ZIP_STORED) -> Hostile:
        def spoil(bundle: Path) -> None:
            with zipfile.ZipFile(bundle / NETWORK) as archive:
                members = {member: archive.read(member) for member in archive.namelist()}
            (bundle / NETWORK).write_bytes(_archive({**members, "config.json": text.encode()}, method))
            seal(bundle)

        return Hostile(f"{NETWORK} {name}", spoil, NETWORK)

    torch = {"module": "keras.layers", "class_name": "TorchModuleWrapper", "config": {"module": "QUJD"}}
    return [
        *content("of nothing", b""),
        *content("that is none", b"no network"),
        *content("of an unknown field", b"\x08\x07"),
        *content("of noise", bytes(range(256)) * 50),
        config("of TorchModuleWrapper", json.dumps({**torch, "registered_name": "TorchModuleWrapper"})),
        config("deep in brackets", "[" * DEEP),
        config("deep in objects", '{"a":' * DEEP + "1" + "}" * DEEP),
        config("that inflates", '{"a": "' + "a" * 30_000_000 + '"}', zipfile.ZIP_DEFLATED),
        config("of nothing known", '{"class_name": "Nobody", "module": "os", "config": {}}'),
        config("of no object", "7"),
    ]


def _files() -> list[Hostile]:
    def replaced(name: str, what: str, make: Callable[[Path], object]) -> Hostile:
        def spoil(bundle: Path) -> None:
            (bundle / name).unlink()
            make(bundle / name)

        return Hostile(f"{name} that is {what}", spoil)

    return [
        hostile
        for name in (MANIFEST, *SEALED)
        for hostile in (
            replaced(name, "a folder", Path.mkdir),
            replaced(name, "a pipe", os.mkfifo),
            replaced(name, "endless", lambda path: path.symlink_to("/dev/zero")),
            replaced(name, "of 100 GB", lambda path: _sparse(path, 100 << 30)),
        )
    ]


def _sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)
