"""Running extract in tests: its command line, its outcome, and what must hold when it refuses."""

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path

from components.dataset.snapshot import Dataset, open_dataset
from components.extract.step import main


@dataclass(frozen=True)
class Outcome:
    """What a command left behind: exit code and stderr."""

    code: int
    stderr: str

    @property
    def dataset_uri(self) -> str:
        """The URI that the log ends with."""
        return self.stderr.strip().rpartition(" samples: ")[2]

    def dataset(self) -> Dataset:
        """Open the dataset that the log names."""
        assert self.code == 0, self.stderr
        return open_dataset(self.dataset_uri)


def extract_arguments(out: Path, annotations: object, images: object, store: object, **options: object) -> list[str]:
    """Return the command line of extract, with its outputs below `out`."""
    named = {"annotations-uri": annotations, "images-uri": images, "dataset-store": store}
    named |= {"samples": out / "samples.csv", "report": out / "report.html"}
    named |= {name.replace("_", "-"): value for name, value in options.items()}
    return [word for name, value in named.items() for word in (f"--{name}", str(value))]


def run_extract(arguments: list[str]) -> Outcome:
    """Run extract's command in this process."""
    stderr = io.StringIO()
    with contextlib.redirect_stderr(stderr):
        code = main(arguments)
    return Outcome(code, stderr.getvalue())


def first_part(dataset: Dataset) -> Path:
    """Return the file of the first part of `dataset`, which lies on disk."""
    return Path(dataset.uri).parent / "parts" / dataset.content.parts[0]


def assert_refused(outcome: Outcome, code: int, *fragments: str) -> None:
    """Check that the command ended with one line that names the rule, what was received and what to do."""
    lines = outcome.stderr.splitlines()
    errors = [line for line in lines if not line[:2].isdigit()]  # The log's lines begin with the time.
    assert outcome.code == code, outcome.stderr
    assert len(errors) == 1, outcome.stderr
    assert errors == lines[-1:]
    assert errors[0].startswith("pawline extract: error: ")
    assert "Received: " in errors[0]
    for fragment in fragments:
        assert fragment in errors[0]


def assert_nothing_written(*folders: Path) -> None:
    """Check that no file, complete or partial, lies below `folders`."""
    assert [path for folder in folders for path in folder.rglob("*") if path.is_file()] == []
