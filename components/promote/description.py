"""What the registry says of a version to people: a summary in Markdown, and tags to sort and search by."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.promote.evidence import Challenger
from components.step.counts import counted
from components.step.errors import DataError, one_line
from components.step.markdown import markdown_text
from components.step.strict_json import read_json
from components.test.results import HEADLINES
from components.test.tracking import test_metrics


def read_statistics(path: str) -> dict[str, Any]:
    """Return what the test step has written to `path`, nothing if that is empty.

    Raises:
        DataError: there is no such file, or it is not one that test wrote.
    """
    if not path:
        return {}
    try:
        found: dict[str, Any] = read_json(Path(path).read_bytes())
        _accuracy(found)
        test_metrics({name: found[name] for name in HEADLINES}, found)
        return found
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise DataError(
            f"The statistics must be JSON as test writes it. Received: {one_line(path)}: {one_line(error, 120)}. "
            "Test again."
        ) from error


def description(challenger: Challenger, statistics: Mapping[str, Any], reasons: list[str], run: str) -> str:
    """Return the description of the version that `challenger` becomes: how good it is, of what it is made, and why.

    Args:
        challenger: the bundle.
        statistics: of its test, as the test step writes them; empty if they are not known.
        reasons: why it is registered.
        run: the pipeline run, "" if it has no name.
    """
    manifest = challenger.manifest
    rows = {
        "Test accuracy": _accuracy(statistics) if statistics else "not known here",
        "Classes": f"{len(manifest.class_names)}: {', '.join(manifest.class_names)}",
        "Network": f"{manifest.backbone}, weights {manifest.weights}, {manifest.image_size} pixels a side",
        "Dataset": f"{manifest.dataset_fingerprint[:16]}…, {challenger.dataset.uri}",
        "Bundle": f"{challenger.digest[:16]}…",
        "Pipeline run": run,
    }
    listed = [f"- **{name}**: {markdown_text(value)}" for name, value in rows.items() if value]
    return "\n".join([*listed, "", *(f"> {markdown_text(reason, 2000)}" for reason in reasons)])


def summary_tags(statistics: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags of a version that say how good it is."""
    return {"test_accuracy": f"{statistics['accuracy']:.4f}"} if statistics else {}


def _accuracy(statistics: Mapping[str, Any]) -> str:
    low, high = statistics["accuracy_interval_95"]
    right = f"{statistics['ok']} of {counted(statistics['total'], 'sample')}"
    return f"{statistics['accuracy']:.4f} (95 % interval {low:.4f} to {high:.4f}), {right}"
