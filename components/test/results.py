"""All that a test finds out, before any of it is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components.dataset.samples import Sample
from components.dataset.snapshot import Dataset
from components.features.neighbours import NeighbourIndex
from components.metrics.curves import Curve
from components.step.errors import first_ten
from components.test.doubts_and_duplicates import Findings, look_closer, shown_neighbours
from components.test.facts import confusion, roc_of_all_classes, statistics_of
from components.test.image_pass import Tested, evaluate_model
from components.test.label_errors import better_than_chance, label_doubts
from components.test.learnt_images import learnt_images
from components.test.loading import AskedBundle

if TYPE_CHECKING:
    from components.engine.ray_cluster import RayCluster

HEADLINES = (
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "weighted_f1",
    "log_loss",
    "brier",
    "expected_calibration_error",
)


@dataclass(frozen=True, slots=True)
class Results:
    """`confusion` has the truth in rows; `roc` is of all classes together; `notes` say what no figure can."""

    class_names: list[str]
    tested: Tested
    findings: Findings
    statistics: dict[str, Any]
    metrics: dict[str, float]
    confusion: list[list[int]]
    roc: Curve
    notes: list[str]
    neighbours_known: bool


def results_of(
    bundle: AskedBundle,
    dataset: Dataset,
    known: Mapping[str, Sample],
    samples: Sequence[Sample],
    batch_size: int,
    index: NeighbourIndex | None,
    cluster: "RayCluster | None" = None,
) -> Results:
    """Return what the bundle makes of `samples`.

    Args:
        bundle: what is tested.
        dataset: of the samples.
        known: all the dataset's samples by id.
        samples: the test samples.
        batch_size: images read and decoded together; changes no result.
        index: of the samples that the network has learnt from; None where they are not known.
        cluster: whose nodes look at the test images; None for this process.

    Raises:
        UsageError: `batch_size` is not positive.
        DataError: samples, dataset, bundle or index do not fit together, or an image is damaged.
    """
    tested = evaluate_model(bundle, dataset, samples, batch_size, index, cluster)
    statistics = statistics_of(tested, bundle)
    believed = better_than_chance(statistics)
    doubts = label_doubts(tested.predictions, tested.probabilities, bundle.class_names, believed)
    learnt = learnt_images(bundle, dataset, known, samples, index, shown_neighbours(tested.predictions, doubts))
    findings = look_closer(dataset, known, tested, doubts, learnt, bundle, believed)
    return Results(
        class_names=bundle.class_names,
        tested=tested,
        findings=findings,
        statistics=statistics,
        metrics=_metrics(statistics, findings),
        confusion=confusion(tested.predictions, bundle.class_names),
        roc=roc_of_all_classes(tested, bundle.class_names),
        notes=notes(bundle.class_names, samples),
        neighbours_known=index is not None,
    )


def notes(class_names: Sequence[str], samples: Sequence[Sample]) -> list[str]:
    """Return what the figures of a test on `samples` cannot say, as sentences."""
    labels = {sample.label for sample in samples}
    untested = [name for name in class_names if name not in labels]
    if not untested:
        return []
    return [f"No test sample carries the label {first_ten(untested)}: figures of such a class say nothing."]


def _metrics(statistics: Mapping[str, Any], findings: Findings) -> dict[str, float]:
    return {
        **{name: statistics[name] for name in HEADLINES},
        "test_samples": statistics["total"],
        "suspected_label_errors": sum(doubt.suspected for doubt in findings.doubts),
        # Nothing found is no 0 where nothing was looked for.
        **({"near_duplicates": len(findings.duplicates)} if findings.learnt_known else {}),
    }
