"""The files of a `multipart/form-data` body, at most so many of them."""

import logging
import re
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from components.serve.http.errors import bad_request, too_large

IMAGE_FIELDS = ("images", "images[]")  # Whose parts are images, with a file's name or without.
OTHER_PARTS = 16  # Fields that are no files; they are not used.
MAX_FILE_NAME = 255
# Source: RFC 8187, 3.2.1. RFC 7578 forbids it in forms; older clients send a name beyond ASCII so and in no other way.
_EXTENDED_NAME = re.compile(rb";\s*filename\*\s*=\s*[\w.-]*'[^';]*'([^;\s]*)", re.IGNORECASE)
logging.getLogger("python_multipart").setLevel(logging.ERROR)  # It warns of every malformed form, which we answer.


@dataclass(slots=True)
class File:
    """One file of a form: the name of its field, its own name, its content."""

    field_name: str = ""
    file_name: str = ""
    is_file: bool = False
    data: bytes = b""


@dataclass
class _Form:
    """Takes what the parser finds."""

    max_files: int
    parts: list[File] = field(default_factory=list)
    _chunks: list[bytes] = field(default_factory=list)
    _name: bytes = b""
    _value: bytes = b""

    def on_part_begin(self) -> None:
        if len(self.parts) >= self.max_files + OTHER_PARTS:
            raise too_large(f"A form must have at most {self.max_files} images. Send fewer at a time.")
        self.parts.append(File())
        self._chunks = []

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            _, options = parse_options_header(self._value)
            part = self.parts[-1]
            part.field_name = options.get(b"name", b"").decode("utf-8", "replace")
            name = options.get(b"filename")
            if name is None and (extended := _EXTENDED_NAME.search(self._value)):
                name = unquote_to_bytes(extended[1])
            part.is_file = name is not None or part.field_name in IMAGE_FIELDS
            part.file_name = (name or b"").decode("utf-8", "replace")[:MAX_FILE_NAME]
        self._name = self._value = b""

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._chunks.append(data[start:end])

    def on_part_end(self) -> None:
        self.parts[-1].data = b"".join(self._chunks)


def is_form(content_type: str) -> bool:
    """Tell whether a body of `content_type` is a form with files."""
    return content_type.partition(";")[0].strip().lower() == "multipart/form-data"


def files_in(body: bytes, content_type: str, max_files: int) -> list[File]:
    """Return the files in `body` in order.

    Raises:
        RequestRefused: 400, the body is no such form or breaks off; 413, more than `max_files`.
    """
    form = _Form(max_files)
    names = ("part_begin", "header_field", "header_value", "header_end", "part_data", "part_end")
    try:
        boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
        if not boundary:
            raise bad_request("multipart/form-data needs its boundary in Content-Type.")
        parser = MultipartParser(boundary, {f"on_{name}": getattr(form, f"on_{name}") for name in names})  # type: ignore[arg-type]  # Its TypedDict takes no computed keys.
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise bad_request(f"The form must be whole multipart/form-data: {error}.") from error
    files = [part for part in form.parts if part.is_file]
    if len(files) > max_files:
        raise too_large(f"A form must have at most {max_files} images. Received: {len(files)}. Send fewer at a time.")
    return files
