"""Locks as `make lock` writes them, each of their lines or none."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.step.errors import DataError
from delivery.locks import DELIVERED, LOCKS, Pin, normal_name, read_lock

HASH = "a" * 64


def test_every_package_of_every_lock_is_read():
    for path in LOCKS.glob("*.txt"):
        pins = read_lock(path)
        assert len(pins) == len(re.findall(r"^\S", path.read_text(), re.MULTILINE))
        assert sum(len(pin.hashes) for pin in pins) == path.read_text().count("--hash=sha256:")
    assert {f"{name}.txt" for name in DELIVERED} <= {path.name for path in LOCKS.glob("*.txt")}


@given(st.from_regex(r"[A-Za-z][A-Za-z0-9._-]{0,8}[a-z]", fullmatch=True), st.integers(1, 3))
def test_a_name_is_compared_as_installers_do(tmp_path_factory, name, count):
    path = tmp_path_factory.mktemp("lock") / "lock.txt"
    hashes = " \\\n".join([f"    --hash=sha256:{HASH}"] * count)
    path.write_text(f"{name}[extra]==1.0 ; sys_platform == 'linux' \\\n{hashes}\n")
    assert read_lock(path) == [Pin(normal_name(name), "1.0", (HASH,) * count)]


LINE = f" \\\n    --hash=sha256:{HASH}"


@pytest.mark.parametrize(
    "text",
    ["", "a", "a==1", f"a>=1{LINE}", f"a==1{LINE.replace('sha256', 'md5')}", f"-i x\na==1{LINE}"],
)
def test_what_pins_nothing_is_no_lock(text, tmp_path: Path):
    (tmp_path / "lock.txt").write_text(text)
    with pytest.raises(DataError, match="A lock must pin each package"):
        read_lock(tmp_path / "lock.txt")
