"""Names of pages in backticks become links on the site: the pages' sources are read elsewhere, too."""

import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

PAGE = re.compile(r"docs/([a-z-]+)\.md")
OTHERS = {"README.md": "index", "manifests/README.md": "manifests", "CHANGELOG.md": "changelog"}


class LinkCode(SphinxTransform):
    """Makes a reference of each literal that is the path of a page, called by the page's title."""

    default_priority = 209  # Before references are looked up, so that one to nothing is a warning.

    def apply(self, **kwargs: Any) -> None:
        """Replace the literals of this document."""
        for literal in list(self.document.findall(nodes.literal)):
            if not isinstance(literal.parent, nodes.reference) and (page := self._page(literal.astext())):
                literal.replace_self(self._reference(page, literal))

    def _page(self, text: str) -> str:
        if text in OTHERS:
            return OTHERS[text] if OTHERS[text] in self.env.found_docs else ""
        found = PAGE.fullmatch(text)
        return found[1] if found else ""

    def _reference(self, page: str, literal: nodes.literal) -> nodes.Node:
        reference = addnodes.pending_xref(
            "", refdomain="std", reftype="doc", reftarget=f"/{page}", refexplicit=False, refwarn=True,
            refdoc=self.env.docname,
        )  # fmt: skip
        reference += literal.deepcopy()
        return reference


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the transform to Sphinx."""
    app.add_transform(LinkCode)
    return {"parallel_read_safe": True}
