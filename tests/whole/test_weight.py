"""On a machine that is shared, nothing of ours is worth less than the processes of others."""

import ast

from tests.support.serving import ROOT

LOWERING = {"nice", "setpriority", "sched_setscheduler", "sched_setparam"}


def test_nothing_lowers_its_own_priority():
    """What gave way lost: the server most of its throughput, the sender of events half a minute at a step's end."""
    found = {
        f"{path.relative_to(ROOT)}: {node.func.attr}"
        for package in ("components", "pipeline", "pawline")
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LOWERING
    }
    assert found == set()
