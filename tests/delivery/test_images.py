"""Images: by which commands they are built, that a stamped one is the same twice, and what follows from digests."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from components import VERSION
from components.step.errors import UsageError
from delivery import deploy
from delivery.deploy import compile_command, rollout_commands
from delivery.images import build_command, pushed_images, tag
from delivery.sbom import IMAGES
from delivery.wheel import EPOCH
from pipeline.cli.parser import build_parser

PUSHED = {
    name: f"registry.test/team/pawline-{name}@sha256:{digit * 64}" for name, digit in zip(IMAGES, "abcd", strict=True)
}


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("builder", ["buildah", "docker"])
def test_each_image_is_stamped_and_says_its_source(builder, name):
    command = build_command(builder, name, "registry.test/team", "4e5e89b")
    assert command[0] == builder
    assert "SOURCE_REVISION=4e5e89b" in command
    assert EPOCH in " ".join(command)
    assert f"registry.test/team/pawline-{name}:{VERSION}" in command
    assert ("--target" in command) == (name != "serve")


@pytest.mark.parametrize("registry", ["", "Registry.test/Team", "a b", "https://registry.test"])
def test_a_registry_that_is_none_is_refused(registry):
    with pytest.raises(UsageError, match="REGISTRY must be"):
        tag("step", registry)


@pytest.mark.skipif(not shutil.which("buildah"), reason="no buildah")
def test_the_same_files_are_the_same_image_whenever_it_is_built(tmp_path):
    lines = "FROM scratch AS step", "ARG SOURCE_REVISION", "COPY file /file", "LABEL r=${SOURCE_REVISION}"
    (tmp_path / "Dockerfile.train").write_text("\n".join(lines))
    (tmp_path / "file").write_text("the same")
    digests = set()
    for number in (1, 2):
        os.utime(tmp_path / "file", (number * 10**9, number * 10**9))
        kept = ["--root", f"{tmp_path}/root{number}", "--runroot", f"{tmp_path}/run{number}"]
        buildah(tmp_path, kept, build_command("buildah", "step", "localhost", "1")[1:])
        buildah(tmp_path, kept, ["push", f"localhost/pawline-step:{VERSION}", f"oci:{tmp_path}/oci{number}"])
        index = json.loads((tmp_path / f"oci{number}" / "index.json").read_text())
        digests.add(index["manifests"][0]["digest"])
    assert len(digests) == 1


def buildah(folder: Path, kept: list[str], words: list[str]) -> None:
    command = [str(shutil.which("buildah")), "--storage-driver", "vfs", *kept, *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if "operation not permitted" in done.stderr.lower():
        pytest.skip(f"buildah may do nothing here: {done.stderr[-200:]}")
    assert done.returncode == 0, done.stderr


def test_what_was_pushed_is_read_back_or_refused(tmp_path):
    for text in ("", "[]", "{", '{"step": "x:1"}', '{"other": 1}', json.dumps({"step": "x@sha256:abc"})):
        (tmp_path / "images.json").write_text(text)
        with pytest.raises(UsageError, match="Images must have been pushed"):
            pushed_images(tmp_path)
    (tmp_path / "images.json").write_text(json.dumps(PUSHED))
    assert pushed_images(tmp_path) == PUSHED


def test_the_pipeline_is_compiled_with_digests_and_options():
    words = compile_command(PUSHED, "--signing-secret signing --label team='a b'")
    given = build_parser().parse_args(words)
    assert (given.image, given.train_image) == (PUSHED["step"], PUSHED["train"])
    assert (given.signing_secret, given.label) == ("signing", ["team=a b"])
    with pytest.raises(UsageError, match="no train"):
        compile_command({"step": PUSHED["step"]}, "")


def test_the_server_is_put_into_service_by_its_digest():
    set_image, wait = rollout_commands(PUSHED)
    assert set_image[-1] == f"serve={PUSHED['serve']}"
    assert wait[1:3] == ["rollout", "status"]
    with pytest.raises(UsageError, match="no serve"):
        rollout_commands({})


def test_no_schedule_is_touched_where_there_is_no_file(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PAWLINE_SCHEDULES", str(tmp_path / "absent.yaml"))
    deploy.reconcile()
    assert "no schedule is touched" in capsys.readouterr().out
