"""JSON objects that carry a digest of themselves, so that no flipped bit in a manifest goes unnoticed."""

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

from components.step.files import json_text
from components.step.strict_json import read_json

DIGEST = "digest"


def sealed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values`, a JSON object without the name `digest`, with that name and the digest of the others."""
    return {**values, DIGEST: _digest_of(values)}


def unsealed(data: str | bytes, older: Collection[str]) -> dict[str, Any]:
    """Return the object that `data` holds, JSON text, without its digest, which was compared.

    Objects of before digests were have none; these have no other names than `older`, or else a flipped bit in the name
    of the digest would make a sealed object one of them.

    Raises:
        ValueError: it is no JSON object, is not the one that was sealed, or has neither a digest nor `older` names.
    """
    values = read_json(data)
    if not isinstance(values, dict):
        raise ValueError("no JSON object")
    if DIGEST not in values:
        if unknown := sorted(values.keys() - set(older)):
            raise ValueError(f"without a digest, and with the unknown name {unknown[0]!r}")
        return values
    digest = values.pop(DIGEST)
    if digest != _digest_of(values):
        raise ValueError("its digest is another: it is not as it was written")
    return values


def _digest_of(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json_text(values).encode()).hexdigest()
