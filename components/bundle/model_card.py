"""The model card: a page of Markdown in the bundle that says what the model is, what it learnt from, and its limits.

The headings are those of Mitchell et al., "Model Cards for Model Reporting" (2019), as far as a training knows them;
the first lines are the metadata that the Hugging Face Hub reads.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from components.step.counts import counted
from components.step.errors import one_line
from components.step.files import write_text
from components.step.markdown import markdown_escaped, markdown_table, markdown_text

FEW_SAMPLES = 30


class Facts(Protocol):
    """What a card is written from; `bundle_writer.Provenance` and `bundle.Manifest` have it."""

    @property
    def class_names(self) -> Sequence[str]:
        """The classes in the order of the outputs."""

    @property
    def image_size(self) -> int:
        """Pixels a side."""

    @property
    def backbone(self) -> str:
        """The network below the head."""

    @property
    def weights(self) -> str:
        """Where the backbone's weights came from."""

    @property
    def dataset_fingerprint(self) -> str:
        """The dataset's address."""

    @property
    def split_seed(self) -> int:
        """The run's seed."""

    @property
    def training(self) -> Mapping[str, object]:
        """The recipe."""

    @property
    def metrics(self) -> Mapping[str, float]:
        """What came of it."""


Counts = Mapping[str, Mapping[str, int]]


def write_model_card(path: Path, facts: Facts, counts: Counts, dataset_uri: str = "") -> None:
    """Write `model_card(...)` to `path`.

    Raises:
        ServiceError: `path` cannot be written.
    """
    write_text(path, model_card(facts, counts, dataset_uri))


def model_card(facts: Facts, counts: Counts, dataset_uri: str = "") -> str:
    """Return the card as Markdown; the same arguments give the same text, which holds no time and no machine.

    Args:
        facts: the bundle's.
        counts: samples by class of each part of the split that was used: `{"train": {"cat": 90}, "validation": …}`.
        dataset_uri: where the dataset lies, if that should be told.
    """
    sections = {
        "Model": _model(facts),
        "Use": _use(facts),
        "Data": _data(facts, counts, dataset_uri),
        "Metrics": markdown_table(
            ("Metric", "Value"), [(name, _number(value)) for name, value in facts.metrics.items()]
        ),
        "Recipe": markdown_table(
            ("Parameter", "Value"), [(name, str(value)) for name, value in facts.training.items()]
        ),
        "Limits": _limits(facts, counts),
    }
    body = "".join(f"\n## {title}\n\n{text}\n" for title, text in sections.items())
    return f"{_metadata()}\n# Image classifier: {_names(facts.class_names)}\n{body}"


def _metadata() -> str:
    values = {"library_name": "keras", "pipeline_tag": "image-classification", "tags": ["pawline"]}
    lines = (f"{name}: {json.dumps(value)}\n" for name, value in values.items())
    return f"---\n{''.join(lines)}---\n"


def _model(facts: Facts) -> str:
    size = facts.image_size
    return (
        f"A {markdown_text(facts.backbone)} backbone (weights: {markdown_text(facts.weights)}) {_learnt(facts)}. "
        f"It takes RGB images, uint8 `[N, {size}, {size}, 3]`, and gives the probabilities of "
        f"{counted(len(facts.class_names), 'class', 'classes')}, in this order: {_names(facts.class_names)}. "
        "Scaling and centring are layers inside the network."
    )


def _learnt(facts: Facts) -> str:
    if facts.weights == "none":
        return "that was not pretrained, with a head"
    if facts.training.get("fine_tune_epochs"):
        return "whose last layers were trained further, with a head trained on its features"
    return "with a head trained on its features"


def _use(facts: Facts) -> str:
    return (
        "For images of the kind it was trained on, of which exactly one of the classes is true. Decode, rotate by "
        f"EXIF, convert to RGB and resize to {facts.image_size} pixels a side as in training, or the probabilities are "
        "other ones; `golden.npz` holds images and the probabilities they must give."
    )


def _data(facts: Facts, counts: Counts, dataset_uri: str) -> str:
    place = f" at {markdown_text(dataset_uri)}" if dataset_uri else ""
    rows = [(name, *(str(part.get(name, 0)) for part in counts.values())) for name in facts.class_names]
    rows.append(("all", *(str(sum(part.values())) for part in counts.values())))
    table = markdown_table(("Class", *(f"{part} samples" for part in counts)), rows)
    return f"Dataset `{facts.dataset_fingerprint}`{place}, split with seed {facts.split_seed}.\n\n{table}"


def limits(facts: Facts, counts: Counts) -> list[str]:
    """Return what the model cannot do, or nobody knows, in sentences of plain text; `counts` as for `model_card`."""
    lines = [
        "Whatever it is shown, it answers with one of its classes: an image of something else gets one too.",
        "The metrics above were used to choose the epoch that is kept; only a test on samples it has not seen, as the "
        "test step makes it, says how well it does.",
        "Images from another source, camera or time than its data may fare worse; nothing here measures it.",
    ]
    for part, of_class in counts.items():
        few = [one_line(name) for name in facts.class_names if of_class.get(name, 0) < FEW_SAMPLES]
        if few:
            lines.append(f"Fewer than {FEW_SAMPLES} {one_line(part)} samples of: {', '.join(few)}.")
    if facts.weights == "none":
        lines.append("The backbone was not pretrained.")
    return lines


def _limits(facts: Facts, counts: Counts) -> str:
    return "\n".join(f"- {markdown_escaped(line)}" for line in limits(facts, counts))


def _names(names: Sequence[str]) -> str:
    return ", ".join(markdown_text(name) for name in names)


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:.4f}"
