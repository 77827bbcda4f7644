"""The pipeline's parameters in groups, as a person looks for them; a new one is added to one of these."""

from collections.abc import Mapping

GROUPS: Mapping[str, tuple[str, ...]] = {
    "What you have labelled": (
        *("annotations_uri", "images_uri", "annotation_format", "group_pattern", "on_bad_sample", "given_split"),
        *("boxes", "label_policy"),
    ),
    "Split": ("train_ratio", "validation_ratio", "test_ratio", "split_method", "seed"),
    "Network": ("backbone", "weights", "image_size", "preprocessing"),
    "Training": (
        *("epochs", "batch_size", "learning_rate", "augment", "class_weight", "label_smoothing"),
        *("early_stopping_patience", "warmup_epochs", "schedule", "optimizer"),
    ),
    "Fine tuning": ("fine_tune_epochs", "fine_tune_layers"),
    "Test": ("evaluator",),
    "Where things are kept": ("dataset_store", "cache_uri", "checkpoint_uri", "checkpoint_minutes"),
    "Promotion": ("model_name", "promotion_policy", "dry_run"),
    "Beyond one machine": ("engine", "ray_address"),
    "The cluster": (
        *("cpu", "memory", "cpu_request", "memory_request"),
        *("gpu_count", "gpu_type", "node_selector", "tolerations", "s3_secret"),
    ),
}
