"""The fixture of a sound world, in which doctor finds nothing wrong."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.doctors_world import World, sound_world


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, s3_environment: int) -> Iterator[World]:
    """A cluster in which all is in order; the environment has no S3 of its own."""
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    with sound_world(monkeypatch, tmp_path) as running:
        yield running
