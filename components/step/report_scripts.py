"""What a report with a script needs: the script and its digest for the page's policy, and the data that it reads."""

import base64
import hashlib
import json
from collections.abc import Sequence

from markupsafe import Markup

from components.step.reports import TEMPLATES


def joined_script(names: Sequence[str]) -> Markup:
    """Return the scripts `names` of `components/templates/` as one, in strict mode, out of the page's global scope."""
    text = "\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in names)
    return Markup(f'(() => {{\n"use strict";\n{text}}})();')  # noqa: S704  Our own files, nobody's input.


def policy_source(script: str) -> str:
    """Return `script` as a Content-Security-Policy names it, so that the browser runs nothing else.

    Source: Content Security Policy Level 3, "hash-source".
    """
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def embedded_json(value: object) -> Markup:
    """Return `value` as JSON for a `<script type="application/json">`; nothing in it can end or open an element.

    Raises:
        ValueError: it holds NaN or an infinity, which JSON has not.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704  Escaped just above.
