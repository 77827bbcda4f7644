"""What a node is asked: its program, and whether it sees the stores."""

import subprocess
import sys

import pytest

from components.engine.node import check_here, program_here
from components.step.errors import UsageError


def test_the_same_program_passes():
    check_here(program_here(), ())


@pytest.mark.parametrize("name", sorted(program_here()))
def test_each_thing_that_decides_results_is_compared(name):
    with pytest.raises(UsageError, match=f"{name} {program_here()[name]} instead of other on "):
        check_here(program_here() | {name: "other"}, ())


def test_a_node_without_our_code_can_say_so():
    cloudpickle = pytest.importorskip("ray.cloudpickle")
    from components.engine.ray_cluster import _asking

    # An environment with an editable Pawline finds it everywhere.
    without = "import sys; sys.modules['components'] = None; from ray import cloudpickle; "
    code = f"{without}print(cloudpickle.loads(bytes.fromhex(sys.argv[1]))())"
    asked = cloudpickle.dumps(_asking(program_here(), ())).hex()
    said = subprocess.run(
        [sys.executable, "-I", "-c", code, asked], cwd="/", capture_output=True, text=True, check=True
    )
    assert said.stdout == "None\n"
