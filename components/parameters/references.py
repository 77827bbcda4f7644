"""`module:function`, the way a user names a function of one's own: looked for without running it."""

import ast
import importlib
import re
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

from components.parameters.roles import BACKBONE, Role
from components.step.errors import UsageError, one_line
from components.step.nearest import nearest

GROUP = "pawline.backbones"  # Entry points that give backbones plain names.
REFERENCE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def check_form(name: str, role: Role = BACKBONE) -> None:
    """Check that `name`, which has a colon, is `module:function`.

    Raises:
        UsageError: it is not.
    """
    if not REFERENCE.fullmatch(name):
        raise UsageError(
            f"{role.called} of one's own is given as module:function. Received: {role.flag} {one_line(name, 120)}. "
            "Correct it."
        )


def check_reference(name: str, role: Role = BACKBONE) -> None:
    """Check that the module of `name`, `module:function`, is there and its source has the function.

    Packages on the way to it are imported, the module itself is not; where there is no source it is taken for right.

    Raises:
        UsageError: it is of another form, there is no such module, or it has no such name.
    """
    check_form(name, role)
    module, _, attribute = name.partition(":")
    names = _names_in(_spec(name, module, role))
    first = attribute.partition(".")[0]
    if names is not None and first not in names:
        near = nearest(first, sorted(names))
        hint = f"Did you mean {module}:{near[0]}?" if near else "Name a function of it."
        raise _refusal(name, role, f"no {first} in {module}", hint)


def _spec(name: str, module: str, role: Role) -> ModuleSpec:
    importlib.invalidate_caches()
    try:
        spec = find_spec(module)
    except Exception as error:  # The user's packages are imported, which can raise anything.
        raise _refusal(name, role, f"{type(error).__name__}: {one_line(error)}") from error
    if spec is None:
        raise _refusal(name, role, f"no module {module}")
    return spec


def _names_in(spec: ModuleSpec) -> set[str] | None:
    """Return the names that the module's source binds, None if it cannot be said."""
    try:
        tree = ast.parse(Path(spec.origin or "").read_bytes())
    except (OSError, ValueError, SyntaxError, RecursionError):
        return None
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.Name):
            names.add(node.id)
    # Made by whatever it likes: a star import, or `__getattr__` and `globals()`.
    return None if names & {"*", "__getattr__", "globals", "setattr", "exec", "eval"} else names


def _refusal(name: str, role: Role, what: str, hint: str = "") -> UsageError:
    advice = hint or "Install its package, or put its folder on PYTHONPATH; on a cluster it must be in the image."
    return UsageError(
        f"{role.called} must be importable. Received: {role.flag} {one_line(name, 120)}: {one_line(what)}. {advice}"
    )
