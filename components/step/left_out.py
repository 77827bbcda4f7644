"""Libraries that others import wherever they find them, and that no step has a use for: half a second each."""

import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder

# Keras, MLflow, Arrow and TensorFlow work without. The import of matplotlib even writes a list of fonts below HOME.
UNUSED = ("matplotlib", "pandas", "scipy", "sklearn")


@contextmanager
def left_out(*names: str) -> Iterator[None]:
    """Let imports meanwhile find none of the modules `names`, but those that are imported already."""
    finder = _FindsNone(names)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _FindsNone(MetaPathFinder):
    # None in sys.modules, Python's own way to forbid an import, is taken for a module by what Cython has compiled.
    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname in self._names:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
