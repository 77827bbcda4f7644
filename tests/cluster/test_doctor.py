"""`pawline doctor` on a set-up that is broken on a real cluster."""

from collections.abc import Callable

import pytest

from pipeline.cli.main import main
from pipeline.compilation import COMPILED_PIPELINE
from tests.support.live_cluster import LiveCluster

pytest.importorskip("pipeline.cli.doctor", reason="there is no `pawline doctor`")


def test_a_secret_that_is_not_there_is_named(
    cluster: LiveCluster, recorded_run: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    recorded_run("run-succeeded")
    assert main(["doctor", "--pipeline", str(COMPILED_PIPELINE), "--param", "s3_secret=no-such-secret"]) != 0
    assert "no-such-secret" in capsys.readouterr().out
