"""Licences: what is delivered has allowed ones or a reason; what forbids use is refused however it is said."""

import dataclasses
from importlib.metadata import PackageNotFoundError

import pytest

from components.step.errors import DataError
from delivery import licences
from delivery.licences import POLICY, check, licence_of, problems_of, read_policy, unused

POLICY_HERE = read_policy()


def test_all_that_is_delivered_is_allowed(capsys):
    check()
    assert "allowed" in capsys.readouterr().out


def test_nothing_is_said_of_packages_that_are_not_there_any_more():
    assert unused(POLICY_HERE) == []


@pytest.mark.parametrize(
    "expression",
    [
 "AGPL-3.0-only", "AGPL-3.0-or-later", "GPL-3.0-only", "GPL-2.0-or-later", "LGPL-3.0-only", "SSPL-1.0",
        "CC-BY-NC-4.0", "MIT AND AGPL-3.0-only", "(MIT OR Apache-2.0) AND CC-BY-NC-4.0", "BUSL-1.1", "",
        "LicenseRef-Proprietary", "nonsense", "GNU Affero General Public License v3", "Free for non-commercial use",
    ],
)  # fmt: skip
def test_what_forbids_use_is_refused(expression, monkeypatch):
    assert not POLICY_HERE.allows(expression)
    monkeypatch.setattr(licences, "licence_of", lambda *_: expression)
    [problem] = problems_of(["thing"], POLICY_HERE)
    assert problem.isprintable()


@pytest.mark.parametrize("expression", ["MIT", "MIT OR GPL-3.0-only", "Apache-2.0 AND (BSD-3-Clause OR AGPL-3.0-only)"])
def test_a_choice_that_is_allowed_is_taken(expression):
    assert POLICY_HERE.allows(expression)


@pytest.mark.parametrize(
    ("said", "licence"),
    [
        ({"License-Expression": ["MIT"], "License": ["GPL"]}, "MIT"),
        ({"Classifier": ["License :: OSI Approved :: MIT License", "License :: OSI Approved"]}, "MIT"),
        ({"Classifier": ["License :: OSI Approved :: GNU Affero General Public License v3"]}, None),
        ({"Classifier": ["License :: OSI Approved :: MIT License", "License :: OSI Approved :: Nonsense"]}, None),
        ({"License": ["Apache 2.0\nmore text"]}, "Apache-2.0"),
        ({"License": [""]}, None),
        ({}, None),
    ],
)
def test_metadata_of_any_age_is_understood_or_refused(said, licence, monkeypatch):
    class Metadata:
        def get_all(self, name):
            return said.get(name)

    monkeypatch.setattr(licences, "metadata", lambda _: Metadata())
    found = licence_of("thing", POLICY_HERE)
    assert POLICY_HERE.allows(found) == (licence is not None)
    assert licence is None or found == licence


def test_what_is_not_installed_is_unknown_and_refused_unless_it_was_read(monkeypatch):
    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(licences, "metadata", absent)
    assert len(problems_of(["nowhere"], POLICY_HERE)) == 1
    known = dataclasses.replace(POLICY_HERE, read={"nowhere": "MIT"})
    assert problems_of(["nowhere"], known) == []


def test_an_exception_without_a_reason_is_refused(tmp_path):
    text = POLICY.read_text().partition("[exceptions]")[0]
    (tmp_path / "policy.toml").write_text(f'{text}[exceptions]\n"mine-*" = ""\n')
    with pytest.raises(DataError, match="must say its reason"):
        read_policy(tmp_path / "policy.toml")
