"""`pawline sign` and `pawline verify --key`: in a folder, a run's or a bucket; refusals in one line."""

from pathlib import Path
from typing import Any

import pytest

from components.bundle.manifest import MANIFEST
from components.bundle.signature import SIGNATURE
from pipeline.cli.main import main
from tests.support.keys import KeyPair, make_keys
from tests.support.serving import colour_bundle

ONNX = ("--onnx-only",)


@pytest.fixture
def keys(tmp_path: Path) -> KeyPair:
    return make_keys(tmp_path / "keys")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return colour_bundle(tmp_path / "bundle")


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main(list(words))
    printed = capsys.readouterr()
    return code, printed.out + printed.err


def test_a_folder_is_signed_and_verified(bundle: Path, keys: KeyPair, capsys: Any) -> None:
    code, text = said(capsys, "sign", str(bundle), "--key", str(keys.private))
    assert (code, text) == (0, f"{bundle}: signed by {keys.private}, in {SIGNATURE}\n")
    code, text = said(capsys, "verify", str(bundle), "--key", str(keys.public), *ONNX)
    assert (code, text.count("\n")) == (0, 1)
    assert "signature, digests and golden outputs" in text


def test_the_keys_may_come_from_the_environment(bundle: Path, keys: KeyPair, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setenv("PAWLINE_SIGNING_KEY", str(keys.private))
    monkeypatch.setenv("PAWLINE_TRUSTED_KEY", str(keys.public))
    assert said(capsys, "verify", str(bundle), *ONNX)[0] == 1
    assert said(capsys, "sign", f"file://{bundle}")[0] == 0
    assert "signature, digests" in said(capsys, "verify", str(bundle), *ONNX)[1]


def test_a_bundle_in_a_bucket_is_signed_there(bundle: Path, keys: KeyPair, bucket: Any, capsys: Any) -> None:
    bucket.put({f"models/a/{path.name}": path.read_bytes() for path in bundle.iterdir()})
    assert said(capsys, "sign", bucket.uri("models/a"), "--key", str(keys.private))[0] == 0
    assert said(capsys, "verify", bucket.uri("models/a"), "--key", str(keys.public), *ONNX)[0] == 0
    bucket.put({f"models/a/{SIGNATURE}": b"{}"})
    code, text = said(capsys, "verify", bucket.uri("models/a"), "--key", str(keys.public), *ONNX)
    assert (code, text.count("\n")) == (1, 2)


def test_a_tampered_bundle_is_said_line_by_line(bundle: Path, keys: KeyPair, capsys: Any) -> None:
    main(["sign", str(bundle), "--key", str(keys.private)])
    (bundle / MANIFEST).write_text((bundle / MANIFEST).read_text().replace("colours", "colour_"))
    code, text = said(capsys, "verify", str(bundle), "--key", str(keys.public), *ONNX)
    assert code == 1
    assert [line.partition(":")[0] for line in text.splitlines()] == ["pawline verify", "pawline"]
    assert "not what was signed" in text


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("sign", "BUNDLE"), 2, "Who signs must be said"),
        (("sign", "BUNDLE", "--key", "PUBLIC"), 2, "A private key must be"),
        (("sign", "BUNDLE", "--key", "nowhere"), 2, "A key must be in a file"),
        (("sign", "BUNDLE", "--key", ""), 2, "must name a file"),
        (("sign", "BUNDLE", "--key", "PRIVATE", "--keyless"), 2, "not allowed with"),
        (("sign", "BUNDLE", "--keyless", "--sigstore", "nowhere"), 1, "Sigstore must answer"),
        (("sign", "models:/pets@champion", "--key", "PRIVATE"), 2, "A registered version stays"),
        (("sign", "nothing", "--key", "PRIVATE"), 2, "A run is a folder"),
        (("verify", "BUNDLE", "--key", "PRIVATE"), 2, "A public key must be"),
        (("verify", "BUNDLE", "--identity", "me"), 2, "Trust must be in a public key"),
        (("verify", "BUNDLE", "--key", "PUBLIC", "--issuer", "x"), 2, "Trust must be in a public key"),
    ],
    ids=str,
)
def test_refusals_are_one_line_without_a_key(
    words: tuple[str, ...], code: int, says: str, bundle: Path, keys: KeyPair, capsys: Any
) -> None:
    named = {"BUNDLE": str(bundle), "PUBLIC": str(keys.public), "PRIVATE": str(keys.private)}
    try:
        found, text = said(capsys, *(named.get(word, word) for word in words))
    except SystemExit as ended:
        found, text = ended.code, capsys.readouterr().err
    assert (found, text.count("\n")) == (code, 1)
    assert says in text
    assert not (bundle / SIGNATURE).exists()
    assert not [line for line in keys.private.read_text().splitlines()[1:-1] if line in text]
