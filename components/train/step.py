"""train: a classifier from the train table, watched on the validation table; the bundle out."""

import argparse
import logging
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from components.dataset.samples import Sample, read_split_table
from components.dataset.snapshot import Dataset, open_dataset
from components.engine.opening import open_engine
from components.network.devices import prefer_determinism, use_gpus
from components.parameters.engines import ENGINES, LOCAL, check_engine
from components.parameters.numbers import check_checkpoint_minutes
from components.parameters.places import CHECKPOINTS
from components.parameters.recipe import add_recipe_flags, recipe_from
from components.signing.signer import Signer, signer_from
from components.step.command import run_step, step_parser
from components.step.files import write_json
from components.step.outputs import ExecutorOutputs
from components.step.stopwatch import Stopwatch
from components.train.facts import bundle_metadata, metrics_of, provenance_of, seconds_by_activity
from components.train.outputs import remove_leftovers, remove_own_bundle, write_history, write_train_report
from components.train.timed_dataset import timed
from components.train.tracking import track_results, tracked

if TYPE_CHECKING:
    from components.bundle.manifest import Provenance
    from components.tracking.tracker import Tracker
    from components.train.epoch import Epoch
    from components.train.kept_network import Outcome
    from components.train.training import Places, Trained

log = logging.getLogger("pawline")

Tables = tuple[list[Sample], list[Sample]]


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `python -m components.train`."""
    parser = step_parser("train", "Train a classifier on a backbone and write its bundle.")
    parser.add_argument("--dataset-uri", required=True, help="the dataset that extract wrote")
    parser.add_argument("--train-samples", required=True, type=Path, help="the train table (CSV) that split wrote")
    parser.add_argument("--validation-samples", required=True, type=Path, help="the validation table (CSV)")
    parser.add_argument("--backbone", default="efficientnet_lite0", help="pretrained network, e.g. vgg16")
    parser.add_argument("--weights", default="imagenet", help="imagenet, none or the URI of a weights file")
    parser.add_argument("--image-size", type=int, default=0, help="pixels a side; 0 for the backbone's own")
    add_recipe_flags(parser)
    _add_places(parser)
    return parser


def _add_places(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--cache-uri", default="", help="where features are kept between runs; beside the dataset if empty")
    add("--checkpoint-uri", default="", help="where checkpoints are kept; beside the dataset if empty")
    add("--engine", default=LOCAL, help=f"who computes the features: {' or '.join(ENGINES)}")
    add("--ray-address", default="", help="of engine=ray: ray://host:10001, or on a node host:6379")
    add("--checkpoint-minutes", type=float, default=5.0, help="minutes of an epoch's work that a kill may cost")
    add("--bundle", required=True, type=Path, help="folder to write the bundle to")
    add("--metrics", required=True, type=Path, help="where to write the metrics (JSON)")
    add("--history", required=True, type=Path, help="where to write every epoch (CSV)")
    add("--report", required=True, type=Path, help="where to write the report (HTML)")
    add("--tensorboard", default="", help="folder to write TensorBoard's logs to; none if empty")
    add("--training-features", default="", help="where to write features to look neighbours up in; none if empty")
    add("--model-card", default="", help="where to write the model card (Markdown); none if empty")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the step's command; return its exit code."""
    return run_step(build_parser(), argv, _act)


def _act(arguments: argparse.Namespace, outputs: ExecutorOutputs) -> None:
    recipe_from(arguments)  # Before anything that takes time.
    signer = signer_from(os.environ)
    check_checkpoint_minutes(arguments.checkpoint_minutes)
    check_engine(arguments.engine, arguments.ray_address)
    written = (arguments.bundle, arguments.metrics, arguments.history, arguments.report, arguments.model_card)
    remove_leftovers(Path(path) for path in written if path)
    stopwatch = Stopwatch()
    with stopwatch.measured("imports"):
        prefer_determinism()
        use_gpus()
        import components.bundle.writer
        import components.train.views  # noqa: F401 - here, since Keras takes seconds and the help should not.
    dataset = timed(open_dataset(arguments.dataset_uri), stopwatch)
    tables = (
        read_split_table(arguments.train_samples, "train"),
        read_split_table(arguments.validation_samples, "validation"),
    )
    with tracked(arguments, dataset, len(tables[0]) + len(tables[1])) as tracker:
        trained = _trained(arguments, dataset, tables, stopwatch, tracker)
        metrics = metrics_of(trained, len(tables[0]), len(tables[1]))
        outcome = _outcome(arguments, tables, trained, stopwatch)
        provenance = provenance_of(arguments, dataset, tables, trained, outcome, metrics)
        _write_bundle(arguments, trained, provenance, signer, stopwatch)
        with stopwatch.measured("views"):
            _write_views(arguments, dataset, tables, trained, outcome, provenance)
        _write_rest(arguments, trained, provenance, stopwatch)
        metrics |= seconds_by_activity(stopwatch)
        write_json(arguments.metrics, metrics)
        track_results(tracker, arguments, metrics)
    outputs.metrics("metrics", metrics)
    outputs.metadata("bundle", bundle_metadata(provenance))
    if trained.checkpoints:
        trained.checkpoints.finish()


def _trained(
    arguments: argparse.Namespace, dataset: Dataset, tables: Tables, stopwatch: Stopwatch, tracker: "Tracker"
) -> "Trained":
    from components.train.training import BackboneChoice, train_classifier
    from components.train.views import epoch_values, scalars

    choice = BackboneChoice(arguments.backbone, arguments.weights, arguments.image_size)
    with scalars(arguments.tensorboard) as show:

        def on_epoch(epoch: "Epoch") -> None:
            show(epoch)
            tracker.epoch(epoch.epoch, epoch_values(epoch))

        recipe, places = recipe_from(arguments), _places(arguments)
        return train_classifier(dataset, *tables, choice, recipe, places, stopwatch, on_epoch)


def _places(arguments: argparse.Namespace) -> "Places":
    """Return where training keeps things: decoded pixels in PAWLINE_SCRATCH, else beside the outputs, where is room."""
    from components.train.training import Places

    store = arguments.dataset_uri.rstrip("/").rpartition("/")[0] or "."
    return Places(
        pixel_folder=Path(os.environ.get("PAWLINE_SCRATCH") or arguments.bundle.absolute().parent),
        cache_uri=arguments.cache_uri,
        checkpoint_uri=arguments.checkpoint_uri or f"{store}/{CHECKPOINTS}",
        checkpoint_seconds=60.0 * arguments.checkpoint_minutes,
        results=str(arguments.bundle.absolute()),
        open_engine=partial(open_engine, arguments.engine, arguments.ray_address),
    )


def _outcome(arguments: argparse.Namespace, tables: Tables, trained: "Trained", stopwatch: Stopwatch) -> "Outcome":
    from components.features.training_table import write_training_features
    from components.train.kept_network import outcome_of

    with stopwatch.measured("outcome"):
        outcome = outcome_of(trained)
        if arguments.training_features:
            train = [tables[0][row] for row in outcome.rows]
            write_training_features(Path(arguments.training_features), train, tables[1], outcome.features)
        return outcome


def _write_bundle(
    arguments: argparse.Namespace,
    trained: "Trained",
    provenance: "Provenance",
    signer: Signer | None,
    stopwatch: Stopwatch,
) -> None:
    from components.bundle.signature import sign_bundle
    from components.bundle.writer import save_bundle

    log.info("epoch %d kept; writing the bundle and its ONNX twin", trained.best.epoch)
    with stopwatch.measured("export"):
        remove_own_bundle(arguments.bundle, provenance)
        save_bundle(arguments.bundle, trained.network, trained.golden_images, provenance)
        if signer:
            sign_bundle(arguments.bundle, signer)


def _write_views(
    arguments: argparse.Namespace,
    dataset: Dataset,
    tables: Tables,
    trained: "Trained",
    outcome: "Outcome",
    provenance: "Provenance",
) -> None:
    from components.train.views import Seen, write_card, write_tensorboard_views

    pixels = trained.material.pixels
    seen = Seen(dataset, tables[1], outcome.validation_features, pixels.validation.inputs if pixels else None)
    write_tensorboard_views(arguments.tensorboard, arguments.bundle, seen, trained.head, provenance)
    write_card(arguments.model_card, provenance, tables, dataset.uri)


def _write_rest(
    arguments: argparse.Namespace, trained: "Trained", provenance: "Provenance", stopwatch: Stopwatch
) -> None:
    seconds, beside = stopwatch.rounded(), stopwatch.rounded_beside()
    log.info("time: %s; meanwhile %s", _listed(seconds), _listed(beside) or "nothing read")
    write_history(arguments.history, trained.history, trained.best)
    times = {**seconds, **{f"{name}, meanwhile": value for name, value in beside.items()}}
    write_train_report(arguments.report, trained.history, trained.best, provenance, times)


def _listed(seconds: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())
