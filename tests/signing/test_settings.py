"""Whom one trusts and who signs, from the environment: whole, or refused in one line that never shows a key."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from components.signing.keyless import keyless_digests
from components.signing.signer import KEY, PASSWORD_FILE, Signer, signer_from
from components.signing.trust import Trust, checked_trust, trust_from
from components.step.errors import ServiceError, UsageError
from tests.support.keys import make_keys


def test_an_environment_that_says_nothing_trusts_and_signs_nothing():
    assert trust_from({"PATH": "/bin"}) is None
    assert signer_from({"PATH": "/bin"}) is None


def test_a_key_or_an_identity_is_trusted(tmp_path):
    keys = make_keys(tmp_path)
    assert trust_from({"PAWLINE_TRUSTED_KEY": str(keys.public)}) == Trust(keys.public)
    keyless = {"PAWLINE_TRUSTED_IDENTITY": "ci@example.test", "PAWLINE_TRUSTED_ISSUER": "https://issuer.test"}
    assert trust_from(keyless) == Trust(identity="ci@example.test", issuer="https://issuer.test")


@pytest.mark.parametrize(
    "environment",
    [
        {"PAWLINE_TRUSTED_KY": "x"},
        {"PAWLINE_TRUSTED_": "x"},
        {"PAWLINE_TRUSTED_KEY": ""},
        {"PAWLINE_TRUSTED_KEY": " "},
        {"PAWLINE_TRUSTED_KEY": "nowhere.pub"},
        {"PAWLINE_TRUSTED_IDENTITY": "ci@example.test"},
        {"PAWLINE_TRUSTED_ISSUER": "https://issuer.test"},
        {"PAWLINE_TRUSTED_IDENTITY": "", "PAWLINE_TRUSTED_ISSUER": ""},
        {"PAWLINE_TRUSTED_KEY": "PUBLIC", "PAWLINE_TRUSTED_IDENTITY": "x", "PAWLINE_TRUSTED_ISSUER": "y"},
        {"PAWLINE_TRUSTED_SIGSTORE": "PUBLIC"},
        {"PAWLINE_TRUSTED_KEY": "PRIVATE"},
        {"PAWLINE_TRUSTED_KEY": "RSA"},
        {"PAWLINE_TRUSTED_KEY": "CURVE"},
        {"PAWLINE_TRUSTED_KEY": "EMPTY"},
        {"PAWLINE_TRUSTED_KEY": "FOLDER"},
    ],
    ids=str,
)
def test_half_a_trust_is_no_trust_and_never_means_that_anything_is_taken(environment, tmp_path):
    files = odd_files(tmp_path)
    with pytest.raises(UsageError) as refused:
        trust_from({name: files.get(value, value) for name, value in environment.items()})
    assert str(refused.value).isprintable()


def odd_files(folder) -> dict[str, str]:
    keys, odd = make_keys(folder), make_keys(folder, "curve", curve=ec.SECP256K1())
    (folder / "empty").touch()
    pem, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    (folder / "rsa").write_bytes(rsa.generate_private_key(65537, 2048).public_key().public_bytes(pem, form))
    named = {"PUBLIC": keys.public, "PRIVATE": keys.private, "CURVE": odd.public, "EMPTY": folder / "empty"}
    return {name: str(path) for name, path in {**named, "RSA": folder / "rsa", "FOLDER": folder}.items()}


def test_a_key_with_a_password_signs_and_with_another_does_not(tmp_path):
    keys = make_keys(tmp_path, password=b"right one")
    (tmp_path / "right").write_text("right one\n")
    (tmp_path / "wrong").write_text("wrong one\n")
    named = {KEY: str(keys.private)}
    assert signer_from({**named, PASSWORD_FILE: str(tmp_path / "right")}) == Signer(keys.private, tmp_path / "right")
    for environment in (named, {**named, PASSWORD_FILE: str(tmp_path / "wrong")}):
        with pytest.raises(UsageError, match="its password is another, or missing") as refused:
            signer_from(environment)
        assert "one" not in str(refused.value).replace("another one", "").replace("must be an", "")
    with pytest.raises(UsageError, match="A key's password must be in a file"):
        signer_from({**named, PASSWORD_FILE: str(tmp_path / "absent")})


def test_a_key_in_the_place_of_its_file_is_refused_and_not_repeated(tmp_path):
    content = make_keys(tmp_path).private.read_text()
    for name, read in ((KEY, signer_from), ("PAWLINE_TRUSTED_KEY", trust_from)):
        with pytest.raises(UsageError) as refused:
            read({name: content})
        assert not [line for line in content.splitlines()[1:-1] if line in str(refused.value)]


@given(st.dictionaries(st.sampled_from(["KEY", "IDENTITY", "ISSUER", "SIGSTORE", "KEYS"]), st.text(max_size=8)))
def test_whatever_the_environment_says_is_whole_or_refused(values):
    said, trust = "", None
    try:
        trust = trust_from({f"PAWLINE_TRUSTED_{name}": value for name, value in values.items()})
    except UsageError as error:
        said = str(error)
    assert said.isprintable()
    assert bool(trust) + bool(said) == bool(values)
    assert trust is None or trust == checked_trust(trust)


def test_a_sigstore_that_is_none_is_one_line(tmp_path):
    (tmp_path / "trust.json").write_text("{}")
    with pytest.raises(ServiceError, match="Sigstore must answer"):
        keyless_digests(b"{}", Trust(identity="a", issuer="b", sigstore=tmp_path / "trust.json"))
    with pytest.raises(ServiceError, match="Sigstore must answer"):
        Signer(sigstore=tmp_path / "absent.json").configured()
