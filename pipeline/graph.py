"""The graph: extract, split, train, test, promote, with every parameter that Kubeflow's run form offers."""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any, NamedTuple

from kfp import dsl, kubernetes

from components.parameters.cluster import LIGHT_CPU, LIGHT_MEMORY
from pipeline import steps
from pipeline.destination import Destination
from pipeline.first_step import extract
from pipeline.placement import place


class Resources(NamedTuple):
    """Cores and bytes as Kubernetes quantities, in the graph mostly the parameters that hold them."""

    cpu: str
    memory: str


SPLIT_LIMITS = Resources("2", "4Gi")


def image_classifier(
    annotations_uri: str = "s3://pawline/annotations.json",
    images_uri: str = "s3://pawline/images",
    annotation_format: str = "auto",
    group_pattern: str = "",
    on_bad_sample: str = "fail",
    given_split: str = "refuse",
    boxes: str = "refuse",
    label_policy: str = "majority",
    dataset_store: str = "s3://pawline/datasets",
    train_ratio: float = 0.8,
    validation_ratio: float = 0.1,
    test_ratio: float = 0.1,
    split_method: str = "stratified",
    seed: int = 0,
    backbone: str = "efficientnet_lite0",
    weights: str = "imagenet",
    image_size: int = 0,
    epochs: int = 30,
    batch_size: int = 32,
    learning_rate: float = 0.001,
    gpu_count: str = "0",
    gpu_type: str = "nvidia.com/gpu",
    node_selector: dict[str, str] = {},  # noqa: B006  # KFP takes the form's default from here; it is only traced
    tolerations: list[dict[str, Any]] = [],  # noqa: B006  # likewise
    cpu: str = "2",
    memory: str = "8Gi",
    cpu_request: str = "500m",
    memory_request: str = "2Gi",
    s3_secret: str = "pawline-s3",  # noqa: S107  # the secret's name, not its content
    fine_tune_epochs: int = 0,
    fine_tune_layers: int = 20,
    augment: str = "none",
    class_weight: str = "none",
    label_smoothing: float = 0.0,
    early_stopping_patience: int = 0,
    warmup_epochs: int = 0,
    schedule: str = "constant",
    optimizer: str = "adam",
    preprocessing: str = "",
    evaluator: str = "",
    cache_uri: str = "",
    checkpoint_uri: str = "",
    checkpoint_minutes: float = 5.0,
    model_name: str = "pawline",
    promotion_policy: str = "",
    dry_run: bool = False,
    engine: str = "local",
    ray_address: str = "",
) -> tuple[dsl.PipelineTask, ...]:
    """From labelled images to a tested image classifier: extract, split, train, test, promote.

    Args:
        annotations_uri: The annotations (s3://, file:// or a path): a labelling tool's export, a CSV file or folders.
        images_uri: The folder or prefix under which the annotated images lie.
        annotation_format: How to read the annotations: auto, or by name: ecotag, csv, folders or docs/annotations.md's.
        group_pattern: Regular expression with one named group; samples whose names give it the same text stay together.
        on_bad_sample: Missing, broken or contradictory samples: fail names them and stops, drop leaves them out.
        given_split: Images that are split already: refuse them, merge and split them anew, or keep their split.
        boxes: Boxes within images, of COCO or CVAT: refuse them, crop each to an image, or take the whole images.
        label_policy: Whose label counts where annotators disagree: majority, unanimous, newest or annotator=NAME.
        dataset_store: Where datasets are kept, one folder per fingerprint.
        train_ratio: Share of the samples to train on; the three ratios sum to 1.
        validation_ratio: Share of the samples to watch the training with.
        test_ratio: Share of the samples held back for the test.
        split_method: stratified keeps the class shares; stable never moves an old sample when new ones arrive.
        seed: Seed of the split and of the training.
        backbone: Network to build on: efficientnet_lite0, small_cnn, an image model of keras.applications, or your own.
        weights: Weights of the backbone: imagenet, none, or the URI of a weights file for clusters without internet.
        image_size: Height and width of the model's input in pixels; 0 takes the backbone's own.
        epochs: Passes over the training samples at most; the best epoch is kept.
        batch_size: Images per step of training and test.
        learning_rate: Learning rate of the head's optimizer.
        gpu_count: GPUs of the train step, in quotes ("1") as older backends overlook a number here; "0" trains on CPU.
        gpu_type: Resource name of the GPU, for instance nvidia.com/gpu or amd.com/gpu.
        node_selector: Labels a node must have for the train step, for instance {"gpu": "a100"}; {} takes any node.
        tolerations: Kubernetes tolerations of the train step, for instance [{"key": "gpu", "operator": "Exists"}].
        cpu: CPU cores that a step may use, a Kubernetes quantity in quotes: "2" or "500m".
        memory: Memory that a step may use, a Kubernetes quantity: 8Gi or 500M.
        cpu_request: CPU cores that train and test each reserve on their node; the other steps reserve 500m.
        memory_request: Memory that train and test each reserve on their node; the other steps reserve 500Mi.
        s3_secret: Secret with the keys AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_DEFAULT_REGION, AWS_S3_ENDPOINT.
        fine_tune_epochs: Passes of a second phase in which the backbone's last layers learn too; 0 for none.
        fine_tune_layers: How many of the backbone's last layers learn in that phase.
        augment: Changes to the training images: none, light (flip, crop, colour), strong (more, MixUp), or your own.
        class_weight: none, or balanced: every class counts the same however many samples it has.
        label_smoothing: Share of each label that is spread over all classes, 0 to below 1.
        early_stopping_patience: Epochs without a lower validation loss after which training ends; 0 for never.
        warmup_epochs: Epochs in which the learning rate rises to its full value.
        schedule: Course of the learning rate: constant, or cosine, which falls to zero.
        optimizer: Optimizer of the training: adam, adamw, sgd (with momentum) or rmsprop.
        preprocessing: Layers of your own between the pixels and the backbone, as module:function; none if empty.
        evaluator: Figures of your own beside the test's, and columns of its predictions, as module:function.
        cache_uri: Where features are kept between runs; beside the dataset if empty.
        checkpoint_uri: Where checkpoints are kept, from which a killed training goes on; beside the dataset if empty.
        checkpoint_minutes: Minutes of an epoch's work that a killed training may lose.
        model_name: Registered model in MLflow whose champion a better bundle becomes; nothing happens without MLflow.
        promotion_policy: What a better bundle must show, as YAML text or where it lies; the default policy if empty.
        dry_run: Decide on the promotion without acting on it.
        engine: Who runs the work on images: local, each step by itself, or ray, a Ray cluster; with the same results.
        ray_address: Where that cluster is: ray://host:10001, or from a node of it host:6379.
    """
    parameters = dict(locals())
    extracted = extract(**parameters)
    # The world behind the URIs may have changed; what follows depends on dataset_uri, which is content-addressed.
    extracted.set_caching_options(False)
    dataset_uri = extracted.outputs["dataset_uri"]
    tables = steps.split(
        dataset_uri=dataset_uri,
        train_ratio=train_ratio,
        validation_ratio=validation_ratio,
        test_ratio=test_ratio,
        method=split_method,
        seed=seed,
    )
    trained = steps.train(
        dataset_uri=dataset_uri,
        train_samples=tables.outputs["train_samples"],
        validation_samples=tables.outputs["validation_samples"],
        backbone=backbone,
        weights=weights,
        image_size=image_size,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        fine_tune_epochs=fine_tune_epochs,
        fine_tune_layers=fine_tune_layers,
        augment=augment,
        class_weight=class_weight,
        label_smoothing=label_smoothing,
        early_stopping_patience=early_stopping_patience,
        warmup_epochs=warmup_epochs,
        schedule=schedule,
        optimizer=optimizer,
        preprocessing=preprocessing,
        cache_uri=cache_uri,
        checkpoint_uri=checkpoint_uri,
        checkpoint_minutes=checkpoint_minutes,
        engine=engine,
        ray_address=ray_address,
    )
    tested = steps.test(
        dataset_uri=dataset_uri,
        bundle=trained.outputs["bundle"],
        test_samples=tables.outputs["test_samples"],
        training_features=trained.outputs["training_features"],
        history=trained.outputs["history"],
        evaluator=evaluator,
        batch_size=batch_size,
        engine=engine,
        ray_address=ray_address,
    )
    promoted = steps.promote(
        dataset_uri=dataset_uri,
        bundle=trained.outputs["bundle"],
        train_samples=tables.outputs["train_samples"],
        validation_samples=tables.outputs["validation_samples"],
        test_samples=tables.outputs["test_samples"],
        statistics=tested.outputs["statistics"],
        batch_size=batch_size,
        model_name=model_name,
        promotion_policy=promotion_policy,
        dry_run=dry_run,
        run=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
    )
    # The champion may be another than when a cached decision was made.
    promoted.set_caching_options(False)
    light, least = Resources(LIGHT_CPU, LIGHT_MEMORY), Resources(cpu_request, memory_request)
    most = Resources(cpu, memory)
    # Not split: what a task is given is part of its cache's key, and nothing else would make it run again.
    _give_resources(tables, light, SPLIT_LIMITS)
    for task, reserved in ((extracted, light), (trained, least), (tested, least), (promoted, light)):
        _give_resources(task, reserved, most)
    _place_on_gpu(trained, gpu_count, gpu_type, node_selector, tolerations)
    return extracted, tables, trained, tested, promoted


def image_classifier_for(destination: Destination) -> Callable[..., None]:
    """Return the graph with each step placed on `destination`, for KFP to trace."""

    @wraps(image_classifier)
    def placed(*parameters: Any) -> None:
        given = dict(zip(form.parameters, parameters, strict=True))
        for task in image_classifier(**given):
            place(task, destination, given["s3_secret"])

    form = signature(image_classifier)
    placed.__signature__ = form.replace(return_annotation=None)  # type: ignore[attr-defined]  # The pipeline has no outputs.
    return placed


def _give_resources(task: dsl.PipelineTask, reserved: Resources, most: Resources) -> None:
    task.set_cpu_request(reserved.cpu).set_cpu_limit(most.cpu)
    task.set_memory_request(reserved.memory).set_memory_limit(most.memory)


def _place_on_gpu(
    task: dsl.PipelineTask, count: str, kind: str, node_selector: dict[str, str], tolerations: list[dict[str, Any]]
) -> None:
    # KFP 2.5.0 resolves the count with GetStringValue, which is empty for a number: no GPU, and no error. Hence text.
    task.set_accelerator_type(kind).set_accelerator_limit(count)
    kubernetes.add_node_selector_json(task, node_selector)
    kubernetes.add_toleration_json(task, tolerations)
