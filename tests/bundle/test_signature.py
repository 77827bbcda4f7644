"""Signed bundles: whatever is changed, added, removed or signed by another is refused in one line, by whoever asks."""

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.bundle.manifest import GOLDEN, MANIFEST, NETWORK, ONNX_NETWORK, sha256_of
from components.bundle.signature import FILES, SIGNATURE, check_signature, sign_bundle
from components.signing.signer import Signer, sign_folder
from components.signing.trust import Trust
from components.step.errors import DataError, UsageError
from tests.support.hostile_bundles import seal
from tests.support.keys import make_keys
from tests.support.serving import colour_bundle


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory, keys) -> Path:
    bundle = colour_bundle(tmp_path_factory.mktemp("whole") / "bundle")
    sign_bundle(bundle, Signer(keys.private))
    return bundle


@pytest.fixture
def bundle(whole, tmp_path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "bundle"))


def said_of(bundle: Path, trust: Trust) -> str:
    said = ""
    try:
        check_signature(bundle, trust)
    except DataError as error:
        said = str(error)
    assert said.isprintable()
    assert len(said) < 1000
    return said


def test_what_was_signed_is_taken_wherever_it_lies(whole, keys, tmp_path):
    copy = Path(shutil.copytree(whole, tmp_path / "elsewhere"))
    assert check_signature(copy, Trust(keys.public)) == sha256_of(copy / MANIFEST)


def test_the_standard_s_own_program_takes_it_too(whole, keys):
    command = [sys.executable, "-m", "model_signing", "verify", "key", str(whole)]
    given = ["--signature", str(whole / SIGNATURE), "--public_key", str(keys.public)]
    done = subprocess.run([*command, *given], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: curve.name)
def test_every_curve_of_the_standard_signs(curve, bundle, tmp_path):
    pair = make_keys(tmp_path, "other", b"a password", curve)
    (tmp_path / "password").write_text("a password\n")
    sign_bundle(bundle, Signer(pair.private, tmp_path / "password"))
    assert said_of(bundle, Trust(pair.public)) == ""


def rewritten(bundle: Path, **changes: object) -> None:
    envelope = json.loads((bundle / SIGNATURE).read_text())
    payload = json.loads(base64.b64decode(envelope["dsseEnvelope"]["payload"]))
    payload["predicate"] |= changes
    envelope["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()
    (bundle / SIGNATURE).write_text(json.dumps(envelope))


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def link(path: Path) -> None:
    path.rename(path.parent.parent / path.name)
    path.symlink_to(path.parent.parent / path.name)


TAMPERINGS: dict[str, Callable[[Path], object]] = {
    **{f"{name} flipped": lambda bundle, name=name: flip(bundle / name) for name in FILES},
    **{f"{name} gone": lambda bundle, name=name: (bundle / name).unlink() for name in FILES},
    **{f"{name} a link": lambda bundle, name=name: link(bundle / name) for name in FILES},
    "unsigned": lambda bundle: (bundle / SIGNATURE).unlink(),
    "sealed again with other class names": lambda bundle: seal(bundle, class_names=["green", "red", "blue"]),
    "a file more": lambda bundle: (bundle / "run.py").write_text("import os"),
    "a hidden file more": lambda bundle: (bundle / ".gitignore").write_text("*"),
    "a folder more": lambda bundle: (bundle / ".git").mkdir(),
    "a signature of nothing": lambda bundle: (bundle / SIGNATURE).write_text(""),
    "a signature of no JSON": lambda bundle: (bundle / SIGNATURE).write_bytes(b"\xff\xfe"),
    "a signature of nonsense": lambda bundle: (bundle / SIGNATURE).write_text('{"verificationMaterial": {}}'),
    "a signature of 100,000 brackets": lambda bundle: (bundle / SIGNATURE).write_text("[" * 100_000),
    "a huge signature": lambda bundle: (bundle / SIGNATURE).write_text(" " * (2 << 20)),
    "a folder for a signature": lambda bundle: ((bundle / SIGNATURE).unlink(), (bundle / SIGNATURE).mkdir()),
    "other things signed": lambda bundle: rewritten(bundle, resources=[]),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_whatever_was_changed_is_refused_in_one_line(name, bundle, keys):
    TAMPERINGS[name](bundle)
    assert said_of(bundle, Trust(keys.public))


def test_another_s_signature_is_refused(bundle, keys, tmp_path):
    other = make_keys(tmp_path, "other")
    assert "another's" in said_of(bundle, Trust(other.public))
    sign_bundle(bundle, Signer(other.private))
    assert "another's" in said_of(bundle, Trust(keys.public))


def test_another_bundle_s_signature_is_refused(bundle, keys, tmp_path):
    other = colour_bundle(tmp_path / "other", scale=2.0)
    shutil.copy(bundle / SIGNATURE, other)
    assert "not what was signed" in said_of(other, Trust(keys.public))


def test_a_signature_of_some_of_the_files_alone_is_refused(whole, keys, tmp_path):
    (tmp_path / "part").mkdir()
    shutil.copy(whole / MANIFEST, tmp_path / "part")
    sign_folder(tmp_path / "part", SIGNATURE, Signer(keys.private))
    bundle = Path(shutil.copytree(whole, tmp_path / "bundle"))
    shutil.copy(tmp_path / "part" / SIGNATURE, bundle)
    assert said_of(bundle, Trust(keys.public))
    only = Path(shutil.copytree(tmp_path / "part", tmp_path / "only"))
    assert said_of(only, Trust(keys.public))


def test_a_signature_that_wants_files_passed_over_is_refused(whole, keys, tmp_path):
    """By the right key, as somebody's program might make it: it says that the network need not be looked at."""
    from model_signing import hashing, signing

    bundle = Path(shutil.copytree(whole, tmp_path / "bundle"))
    ignoring = hashing.Config().set_ignored_paths(paths=[SIGNATURE, ONNX_NETWORK])
    config = signing.Config().use_elliptic_key_signer(private_key=keys.private).set_hashing_config(ignoring)
    config.sign(bundle, bundle / SIGNATURE)
    flip(bundle / ONNX_NETWORK)
    assert said_of(bundle, Trust(keys.public))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_change_of_a_byte_of_the_signature_passes_for_another_bundle(whole, keys, tmp_path, data):
    bundle = tmp_path / "bundle"
    shutil.rmtree(bundle, ignore_errors=True)
    shutil.copytree(whole, bundle)
    content = (whole / SIGNATURE).read_bytes()
    begin = data.draw(st.integers(0, len(content) - 1))
    (bundle / SIGNATURE).write_bytes(content[:begin] + data.draw(st.binary(max_size=8)) + content[begin + 1 :])
    flip(bundle / GOLDEN)
    assert said_of(bundle, Trust(keys.public))


def test_a_damaged_bundle_is_not_signed(bundle, keys):
    flip(bundle / NETWORK)
    before = (bundle / SIGNATURE).read_bytes()
    with pytest.raises(DataError, match=r"model\.keras"):
        sign_bundle(bundle, Signer(keys.private))
    assert (bundle / SIGNATURE).read_bytes() == before


def test_a_signature_is_written_whole_and_leaves_nothing_behind(bundle, keys):
    sign_bundle(bundle, Signer(keys.private))
    assert {path.name for path in bundle.iterdir()} == {*FILES, SIGNATURE}


def test_nothing_of_the_private_key_is_in_the_signature(whole, keys):
    lines = keys.private.read_text().splitlines()[1:-1]
    text = (whole / SIGNATURE).read_text() + (whole / MANIFEST).read_text()
    assert not [line for line in lines if line in text]
    assert str(keys.private.parent) not in text


def test_a_key_that_is_none_is_refused_before_anything_is_written(bundle, keys):
    (bundle / SIGNATURE).unlink()
    with pytest.raises(UsageError, match="A private key must be"):
        sign_bundle(bundle, Signer(keys.public))
    assert not (bundle / SIGNATURE).exists()
