"""promote refuses what is not signed, or by another, before anything is compared; where nobody asks, it does not."""

from pathlib import Path

import pytest

from components.bundle.signature import sign_bundle
from components.promote.step import main
from components.signing.signer import Signer
from tests.support.keys import make_keys
from tests.support.promotion import GOOD, TESTED, decision, make_material


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    material = make_material(tmp_path_factory.mktemp("promotion"))
    tables = material.tables("tables", range(TESTED), range(TESTED, 2 * TESTED))
    bundle = material.bundle("good", GOOD)
    return bundle, lambda out: material.command(out, bundle, tables)


def test_what_whom_it_trusts_has_signed_alone_is_looked_at(command, tmp_path, monkeypatch, capsys):
    bundle, arguments = command
    keys, other = make_keys(tmp_path / "keys"), make_keys(tmp_path / "others")
    assert main(arguments(tmp_path / "untold")) == 0
    monkeypatch.setenv("PAWLINE_TRUSTED_KEY", str(keys.public))
    refused(arguments(tmp_path / "unsigned"), "so it is not signed", tmp_path / "unsigned", capsys)
    sign_bundle(bundle, Signer(other.private))
    refused(arguments(tmp_path / "foreign"), "another's", tmp_path / "foreign", capsys)
    sign_bundle(bundle, Signer(keys.private))
    assert main(arguments(tmp_path / "signed")) == 0
    assert decision(tmp_path / "signed") == decision(tmp_path / "untold")


def refused(arguments: list[str], says: str, out: Path, capsys) -> None:
    capsys.readouterr()
    assert main(arguments) == 1
    [line] = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert says in line
    assert not out.exists()
