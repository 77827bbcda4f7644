"""A server that is told whom to trust takes nothing else into service, wherever it finds it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from components.bundle.manifest import MANIFEST, sha256_of
from components.bundle.signature import SIGNATURE, sign_bundle
from components.inference.source import open_source
from components.signing.signer import Signer
from components.signing.trust import Trust
from components.step.errors import DataError
from tests.support.keys import make_keys
from tests.support.patience import PATIENCE
from tests.support.serving import colour_bundle, eventually, running_server

ROOT = Path(__file__).parents[2]


@pytest.fixture
def keys(tmp_path):
    return make_keys(tmp_path / "keys")


def signed(folder: Path, keys, scale: float = 1.0) -> Path:
    bundle = colour_bundle(folder, scale)
    sign_bundle(bundle, Signer(keys.private))
    return bundle


def digest_found(uri: str, keys) -> str:
    source = open_source(uri, Trust(keys.public))
    with source.bundle(source.revision()) as found:
        return sha256_of(found.directory / MANIFEST)


def upload(bucket, bundle: Path) -> str:
    bucket.put({f"models/pets/{path.name}": path.read_bytes() for path in bundle.iterdir()})
    return bucket.uri("models/pets")


@pytest.mark.parametrize("place", ["a folder", "a bucket"])
def test_signed_ones_are_taken_and_unsigned_and_changed_ones_refused(place, tmp_path, keys, bucket):
    bundle = signed(tmp_path / "bundle", keys)
    (tmp_path / "bundle" / "notes.txt").write_text("What is not of the bundle is not taken into use.")
    where = (lambda: upload(bucket, bundle)) if place == "a bucket" else (lambda: str(bundle))
    assert digest_found(where(), keys) == sha256_of(bundle / MANIFEST)
    (bundle / MANIFEST).write_text((bundle / MANIFEST).read_text().replace("colours", "colour_"))
    with pytest.raises(DataError, match="not what was signed"):
        digest_found(where(), keys)
    unsigned = colour_bundle(tmp_path / "unsigned")
    with pytest.raises(DataError, match=r"no model\.sig, so it is not signed"):
        digest_found(bucket_without_signature(bucket, unsigned) if place == "a bucket" else str(unsigned), keys)


def bucket_without_signature(bucket, bundle: Path) -> str:
    bucket.put({f"models/bare/{path.name}": path.read_bytes() for path in bundle.iterdir()})
    return bucket.uri("models/bare")


def test_a_folder_that_changes_after_the_check_changes_nothing(tmp_path, keys):
    bundle = signed(tmp_path / "bundle", keys)
    source = open_source(str(bundle), Trust(keys.public))
    with source.bundle(source.revision()) as found:
        before = sha256_of(found.directory / MANIFEST)
        (bundle / MANIFEST).write_text("{}")
        assert sha256_of(found.directory / MANIFEST) == before


@pytest.mark.parametrize(
    ("environment", "code", "says"),
    [
        ({"PAWLINE_TRUSTED_KEY": "PUBLIC"}, 1, "so it is not signed"),
        ({"PAWLINE_TRUSTED_KY": "PUBLIC"}, 2, "Did you mean KEY?"),
        ({"PAWLINE_TRUSTED_KEY": "PRIVATE"}, 2, "A public key must be"),
    ],
    ids=str,
)
def test_it_does_not_start_with_an_unsigned_one_or_half_a_trust(environment, code, says, tmp_path, keys):
    named = {"PUBLIC": str(keys.public), "PRIVATE": str(keys.private)}
    given = {**os.environ, **{name: named[value] for name, value in environment.items()}}
    command = [sys.executable, "-m", "components.serve", str(colour_bundle(tmp_path / "bundle")), "--port", "0"]
    done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == code
    [line] = [line for line in done.stderr.splitlines() if "error" in line]
    assert says in line


def test_a_running_one_keeps_the_signed_model_when_an_unsigned_one_takes_its_place(tmp_path, keys):
    bundle, other = signed(tmp_path / "bundle", keys), colour_bundle(tmp_path / "other", 2.0)
    environment = {**os.environ, "PAWLINE_TRUSTED_KEY": str(keys.public)}
    flags = ("--watch", "0.1")
    with running_server(bundle, tmp_path / "log", *flags, environment=environment, page="false") as server:
        served = server.get("/metadata")[1]
        for path in other.iterdir():
            shutil.copy(path, bundle)
        eventually(lambda: b"pawline_model_refused_total 1.0" in server.get("/metrics")[1])
        assert server.get("/metadata")[1] == served
        sign_bundle(bundle, Signer(keys.private))
        eventually(lambda: server.get("/metadata")[1] != served)
    assert (bundle / SIGNATURE).is_file()
