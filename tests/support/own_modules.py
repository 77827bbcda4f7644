"""Modules as users write them, where Python finds them for one test."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def own_module(beginning: str, source: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield the name of a module with `source` in `folder`; it has this `beginning` and is another in each test."""
    name = f"{beginning}_of_{folder.name.replace('-', '_')}"
    (folder / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(str(folder))
    yield name
    sys.modules.pop(name, None)
