"""extract as a Kubeflow container component. Being the first, it takes every parameter, to check them all.

What no flag of its command takes it finds in KFP's executor input (`components.extract.parameters`).
"""

# KFP's decorators have no types.
# mypy: disallow-untyped-decorators=False

from typing import Any

from kfp import dsl
from kfp.dsl import HTML, Dataset, Output, OutputPath

from pipeline.containers import command


@dsl.container_component
def extract(
    annotations_uri: str,
    images_uri: str,
    annotation_format: str,
    group_pattern: str,
    on_bad_sample: str,
    given_split: str,
    boxes: str,
    label_policy: str,
    dataset_store: str,
    train_ratio: float,
    validation_ratio: float,
    test_ratio: float,
    split_method: str,
    seed: int,
    backbone: str,
    weights: str,
    image_size: int,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    gpu_count: str,
    gpu_type: str,
    node_selector: dict[str, str],
    tolerations: list[dict[str, Any]],
    cpu: str,
    memory: str,
    cpu_request: str,
    memory_request: str,
    s3_secret: str,
    fine_tune_epochs: int,
    fine_tune_layers: int,
    augment: str,
    class_weight: str,
    label_smoothing: float,
    early_stopping_patience: int,
    warmup_epochs: int,
    schedule: str,
    optimizer: str,
    preprocessing: str,
    evaluator: str,
    cache_uri: str,
    checkpoint_uri: str,
    checkpoint_minutes: float,
    model_name: str,
    promotion_policy: str,
    dry_run: bool,
    engine: str,
    ray_address: str,
    samples: Output[Dataset],
    report: Output[HTML],
    dataset_uri: OutputPath(str),  # type: ignore[valid-type]  # KFP declares an output parameter by a call
    fingerprint: OutputPath(str),  # type: ignore[valid-type]  # both arrive through the executor output
) -> dsl.ContainerSpec:
    """Check every parameter, read annotations and images once, verify them, write the dataset."""
    return command(
        "extract",
        *("--annotations-uri", annotations_uri),
        *("--images-uri", images_uri),
        *("--annotation-format", annotation_format),
        *("--group-pattern", group_pattern),
        *("--on-bad-sample", on_bad_sample),
        *("--given-split", given_split),
        *("--boxes", boxes),
        *("--label-policy", label_policy),
        *("--dataset-store", dataset_store),
        *("--engine", engine),
        *("--ray-address", ray_address),
        *("--samples", samples.path),
        *("--report", report.path),
    )
