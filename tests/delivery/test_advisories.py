"""Advisories: what is known, waived, expired or not audited, each said for what it is."""

import json
from datetime import date

import pytest

from components.step.errors import DataError, ServiceError
from delivery import advisories
from delivery.advisories import KNOWN, Advisory, Audit, Waiver, audit_in, check, known_in, problems_of, waivers_in
from delivery.locks import DELIVERED, LOCKS, Pin, read_lock

TODAY = date(2026, 11, 26)
FOUND = Advisory("thing", "1.0", "PYSEC-1", ("CVE-1",))


def test_nothing_that_is_delivered_is_on_the_list():
    pins = {pin for lock in DELIVERED for pin in read_lock(LOCKS / f"{lock}.txt")}
    waivers = waivers_in(KNOWN.read_text())
    assert problems_of(known_in(KNOWN.read_text(), pins), waivers, TODAY) == []


@pytest.mark.parametrize(("version", "hit"), [("2.32.3", True), ("2.32.4", False)])
def test_a_version_in_a_known_range_is_found(version, hit):
    found = known_in(KNOWN.read_text(), [Pin("requests", version, ())])
    assert ["CVE-2024-47081"] * hit == [one.id for one in found]


@pytest.mark.parametrize(
    ("waiver", "refused", "says"),
    [
        ({}, True, "PYSEC-1"),
        ({"CVE-1": Waiver("thing", date(2026, 11, 26), "not reached by us")}, False, ""),
        ({"PYSEC-1": Waiver("thing", date(2026, 12, 1), "not reached by us")}, False, ""),
        ({"CVE-1": Waiver("thing", date(2026, 11, 25), "not reached by us")}, True, "whose waiver ended on 2026-11-25"),
        ({"CVE-1": Waiver("other", date(2026, 12, 1), "not reached by us")}, True, "PYSEC-1"),
        ({"CVE-2": Waiver("thing", date(2026, 12, 1), "not reached by us")}, True, "PYSEC-1"),
    ],
)
def test_a_waiver_holds_for_its_package_until_its_day(waiver, refused, says):
    problems = problems_of([FOUND], waiver, TODAY)
    assert [says in problem for problem in problems] == [True] * refused


@pytest.mark.parametrize(
    "values",
    [
        '{package = "a", until = 2027-01-01}', '{package = "a", until = 2027-01-01, reason = ""}',
        '{package = "a", until = "soon", reason = "it is not reached"}',
        '{until = 2027-01-01, reason = "it is not reached"}',
        '{package = "a", until = 2027-01-01T00:00:00, reason = "it is not reached"}', '"for ever"',
        '{package = "a", reason = "it is not reached"}',
    ],
)  # fmt: skip
def test_a_waiver_without_a_day_or_a_reason_is_none(values):
    with pytest.raises(DataError, match="A waiver must have"):
        waivers_in(f"[known]\n[waivers]\nCVE-1 = {values}\n")


REPORT = {
    "dependencies": [
        {"name": "Thing", "version": "1.0", "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": []}]},
        {"name": "unheard-of", "skip_reason": "Dependency not found on PyPI and could not be audited: unheard-of (1)"},
    ],
    "fixes": [],
}


def test_what_the_service_does_not_know_was_not_audited():
    assert audit_in(json.dumps(REPORT)) == Audit([FOUND], ["unheard-of"])


def answering(monkeypatch, audit: Audit | None):
    def asked(pins):
        if audit is None:
            raise ServiceError("An advisory service must answer.")
        return audit

    monkeypatch.setattr(advisories, "asked", asked)


def test_without_a_service_the_list_will_do_but_not_online(monkeypatch, capsys):
    answering(monkeypatch, None)
    check(online=False, today=TODAY)
    assert "0 by a service, all by our list" in capsys.readouterr().out
    with pytest.raises(ServiceError):
        check(online=True, today=TODAY)


def test_one_package_that_was_not_audited_fails_online(monkeypatch):
    answering(monkeypatch, Audit(unknown=["boto3"]))
    with pytest.raises(DataError, match="not known to the service: boto3"):
        check(online=True, today=TODAY)


def test_what_a_service_finds_fails(monkeypatch, capsys):
    answering(monkeypatch, Audit([FOUND]))
    with pytest.raises(DataError, match="Received: 1 advisory"):
        check(online=True, today=TODAY)
    assert capsys.readouterr().err.count("\n") == 1


def test_an_audit_that_ends_without_an_answer_is_one_line(monkeypatch):
    monkeypatch.setattr(advisories, "_AUDIT", ("python3", "-c", "import sys; sys.exit('no route to host')"))
    with pytest.raises(ServiceError, match="Received: no route to host"):
        advisories.asked([Pin("a", "1", ())])
