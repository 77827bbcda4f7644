"""The server's log: JSON for programs, words for a person at a terminal."""

import io
import json

import pytest

from components.serve.http import access_log

REQUEST = {
    "method": "POST",
    "path": "/predict\x1b[31m",
    "status": 415,
    "refused": "unsupported_image",
    "seconds": 0.0123,
}


class Output(io.StringIO):
    """Standard output, on a terminal or not."""

    terminal = False

    def isatty(self) -> bool:
        return self.terminal


def log(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> list[str]:
    """Return the lines that are written for a start and a request."""
    output = Output()
    output.terminal = terminal
    monkeypatch.setattr("sys.stdout", output)
    access_log.log_event("listening", host="::1", port=8080)
    access_log.log_event("model in service", name="pets", version="3", digest="d" * 64)
    access_log.log_request(REQUEST)
    return output.getvalue().splitlines()


def test_a_program_reads_json(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [json.loads(line)["event"] for line in log(monkeypatch, terminal=False)] == [
        "listening", "model in service", "request"
    ]  # fmt: skip


def test_a_person_reads_words(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [line[9:] for line in log(monkeypatch, terminal=True)] == [
        "listening at http://[::1]:8080, Ctrl-C ends",
        "model in service: name pets, version 3, digest dddddddddddd",
        "POST /predict\\x1b[31m 415 unsupported_image after 12 ms",
    ]
