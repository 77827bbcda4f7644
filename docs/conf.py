"""The documentation as a site: `make docs` writes it to build/docs. Nothing in it is fetched, its search neither."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "extension")]

from components import VERSION  # noqa: E402 - found by the path above.

project = "Pawline"
copyright = "the Pawline authors, Apache License 2.0"  # Sphinx's own name.
version = release = VERSION
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",  # `Args:` and `Raises:` of our docstrings.
    "code_links",
    "flow",
    "http_api",
]
exclude_patterns = ["extension"]

html_theme = "furo"
html_title = "Pawline"
html_static_path = ["extension/static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False

myst_heading_anchors = 3
suppress_warnings = ["myst.xref_ambiguous"]
highlight_language = "none"  # What is code says of what language.

default_role = "literal"  # Docstrings have one backtick around code, as Markdown has.
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
autodoc_mock_imports = ["keras", "tensorflow", "tf2onnx"]  # Seconds and a gigabyte, for names alone.
nitpick_ignore_regex = [("py:.*", ".*")]  # Types of others, and of modules that are not on the page.


def literals(app: object, what: str, name: str, found: object, options: object, lines: list[str]) -> None:
    """Write code between single backticks as reStructuredText does, wherever a letter follows it."""
    lines[:] = [re.sub(r"(?<!`)`([^`]+)`(?!`)(\w?)", _as_literal, line) for line in lines]


def _as_literal(found: "re.Match[str]") -> str:
    return f"``{found[1]}``" + (f"\\ {found[2]}" if found[2] else "")


def setup(app: object) -> None:
    """Have Sphinx call what is above."""
    app.connect("autodoc-process-docstring", literals)  # type: ignore[attr-defined]
