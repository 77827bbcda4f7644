"""What lies in dist/: the wheel and SBOMs, the same bytes each time, signed as one; whatever is changed is refused."""

import hashlib
import json
import os
import re
import shutil
import stat
from pathlib import Path

import pytest

from components.step.errors import DataError
from delivery.licences import read_policy
from delivery.locks import LOCKS, ROOT, read_lock
from delivery.sbom import IMAGES, WHEEL, check_schema, sbom_of
from delivery.seal import SIGNATURE, sign, verify
from delivery.wheel import build_wheel
from tests.support.keys import make_keys


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sbom(wheel) -> str:
    return sbom_of("step", [wheel])


def test_the_wheel_is_the_same_from_files_of_another_time_and_mode(wheel, tmp_path):
    copy = tmp_path / "source"
    for name in ("components", "pipeline", "pawline"):
        shutil.copytree(ROOT / name, copy / name, copy_function=shutil.copy)
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, copy)
    for path in copy.rglob("*.py"):
        path.chmod(path.stat().st_mode | stat.S_IWGRP)
        os.utime(path, (10**9, 10**9))
    assert build_wheel(tmp_path / "dist", copy).read_bytes() == wheel.read_bytes()


def test_an_sbom_lists_every_package_with_its_hashes_and_licence(sbom, wheel):
    bom = json.loads(sbom)
    check_schema("wheel", sbom)
    listed = {(each["name"], each.get("version")): each for each in bom["components"]}
    pins = {(pin.name, pin.version): set(pin.hashes) for pin in read_lock(LOCKS / "step.txt")}
    [base] = listed.keys() - pins.keys()
    assert base[0].endswith("python:3.11-slim-bookworm")
    assert pins.keys() <= listed.keys()
    for key, each in ((key, listed[key]) for key in pins):
        hashes = {one["content"] for reference in each["externalReferences"] for one in reference["hashes"]}
        assert hashes == pins[key]
        assert each["licenses"]
    [digest] = bom["metadata"]["component"]["hashes"]
    assert digest["content"] == hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert {"pyarrow", "boto3"} <= {ref.split("@")[0].rpartition("/")[2] for ref in bom["dependencies"][0]["dependsOn"]}


def test_an_sbom_is_the_same_each_time_and_names_no_place_or_time(sbom, wheel, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert sbom_of("step", [wheel]) == sbom
    assert str(ROOT) not in sbom
    assert not {"timestamp", "serialNumber"} & {*json.loads(sbom), *json.loads(sbom)["metadata"]}


@pytest.mark.parametrize("spoil", [{"bomFormat": "Other"}, {"unheard": 1}, {"components": [{"name": "a"}]}], ids=str)
def test_what_is_no_cyclonedx_is_refused(spoil):
    small = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1}
    check_schema("x", json.dumps(small))
    with pytest.raises(DataError, match="must fit CycloneDX's schema") as refused:
        check_schema("x", json.dumps({**small, **spoil}))
    assert str(refused.value).isprintable()


@pytest.fixture
def dist(tmp_path, wheel) -> Path:
    folder = tmp_path / "dist"
    folder.mkdir()
    shutil.copy(wheel, folder)
    small = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1}
    (folder / "pawline-wheel.cdx.json").write_text(json.dumps(small))
    return folder


def test_what_is_signed_is_verified_and_whatever_is_changed_refused(dist, tmp_path):
    keys, other = make_keys(tmp_path / "keys"), make_keys(tmp_path / "others")
    signing, trusting = {"PAWLINE_SIGNING_KEY": str(keys.private)}, {"PAWLINE_TRUSTED_KEY": str(keys.public)}
    sign(dist, signing)
    names = verify(dist, trusting)
    assert len(names) == 2
    refused(dist, {"PAWLINE_TRUSTED_KEY": str(other.public)}, "another's")
    for name in (*names, SIGNATURE):
        content = (dist / name).read_bytes()
        (dist / name).write_bytes(content[:-3] + b"!" + content[-2:])
        refused(dist, trusting, name if name != SIGNATURE else "signature")
        (dist / name).unlink()
        refused(dist, trusting, "")
        (dist / name).write_bytes(content)
    (dist / "pawline-0.0.0-py3-none-any.whl").touch()
    refused(dist, trusting, "pawline-0.0.0-py3-none-any.whl")


def refused(dist: Path, environment: dict[str, str], says: str) -> None:
    with pytest.raises(DataError) as caught:
        verify(dist, environment)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600
    assert says in str(caught.value)


def test_an_sbom_that_was_none_when_it_was_signed_is_refused(dist, tmp_path):
    (dist / "pawline-step.cdx.json").write_text("{}")
    environment = {"XDG_STATE_HOME": str(tmp_path / "state")}
    sign(dist, environment)
    refused(dist, environment, "must fit CycloneDX's schema")


def test_who_names_no_key_gets_one_of_his_own_outside_of_the_repository(dist, tmp_path):
    environment = {"XDG_STATE_HOME": str(tmp_path / "state")}
    key = sign(dist, environment)
    assert ROOT not in key.parents
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(verify(dist, environment)) == 2
    before = key.read_bytes()
    assert sign(dist, environment) == key
    assert key.read_bytes() == before


def test_no_key_is_in_the_repository():
    begins = b"-----BEGIN " + b"PRIVATE KEY-----\nM"
    folders = ("components", "pipeline", "pawline", "delivery", "manifests", "requirements", "docs", "tests")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    assert len(paths) > 500
    assert [path for path in paths if begins in path.read_bytes()] == []


def test_the_figures_of_the_page_are_those_of_the_locks():
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| the (\w+).*? \| (\d+) \| (\d+) \| \d+ \|$", page, re.MULTILINE)
    policy = read_policy()
    names = {name: [pin.name for pin in read_lock(LOCKS / f"{name}.txt")] for name in (*IMAGES, WHEEL)}
    excepted = {name: sum(bool(policy.exception(one)) for one in each) for name, each in names.items()}
    known = [(name, str(len(each)), str(excepted[name])) for name, each in names.items()]
    assert shown == known
