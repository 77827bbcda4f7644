"""The rule of every parameter that a step after extract takes.

Each is a function that the step asks too: what is refused early would be refused there, and what passes here passes
there, as far as it can be said without data.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from typing import Any

from components.parameters import cluster
from components.parameters.engines import check_engine
from components.parameters.networks import all_facts_of, check_fine_tuning, check_network
from components.parameters.numbers import check_batch_size, check_checkpoint_minutes, check_flag
from components.parameters.own_functions import check_own
from components.parameters.places import check_model_name, check_store
from components.parameters.policy import read_policy
from components.parameters.recipe import Recipe, check_recipe
from components.parameters.roles import AUGMENTATION, EVALUATOR, PREPROCESSING, Role
from components.parameters.splitting import check_method, check_ratios

# The parameters that belong together, and what checks their values in this order.
Rules = Mapping[tuple[str, ...], Callable[..., object]]


def _check_ratios(train: float, validation: float, test: float) -> None:
    check_ratios({"train": train, "validation": validation, "test": test})


def _check_recipe(*values: Any) -> None:
    check_recipe(Recipe(*values))


def _check_fine_tuning(backbone: str, epochs: int) -> None:
    if epochs > 0:
        check_fine_tuning(all_facts_of(backbone), epochs)


def _check_own(role: Role, name: str) -> None:
    if name:
        check_own(name, role)


def _check_augment(name: str) -> None:
    if ":" in name:  # What is none has been refused with the recipe.
        check_own(name, AUGMENTATION)


def _check_place(name: str, uri: str) -> None:
    if uri:  # Empty: beside the dataset.
        check_store(name, uri)


RULES: Rules = {
    ("train_ratio", "validation_ratio", "test_ratio"): _check_ratios,
    ("split_method",): check_method,
    ("backbone", "weights", "image_size"): check_network,
    ("backbone", "fine_tune_epochs"): _check_fine_tuning,
    ("batch_size",): check_batch_size,
    tuple(field.name for field in fields(Recipe)): _check_recipe,
    ("augment",): _check_augment,
    ("preprocessing",): partial(_check_own, PREPROCESSING),
    ("evaluator",): partial(_check_own, EVALUATOR),
    ("checkpoint_minutes",): check_checkpoint_minutes,
    ("cache_uri",): partial(_check_place, "cache_uri"),
    ("checkpoint_uri",): partial(_check_place, "checkpoint_uri"),
    ("model_name",): check_model_name,
    ("promotion_policy",): read_policy,
    ("dry_run",): partial(check_flag, "dry_run"),
    ("engine", "ray_address"): check_engine,
    ("gpu_count",): cluster.check_gpu_count,
    ("gpu_type",): cluster.check_gpu_type,
    ("node_selector",): cluster.check_node_selector,
    ("tolerations",): cluster.check_tolerations,
    ("cpu",): cluster.check_cpu,
    ("memory",): cluster.check_memory,
    ("cpu_request", "cpu"): cluster.check_cpu_request,
    ("memory_request", "memory"): cluster.check_memory_request,
    ("s3_secret",): cluster.check_secret,
}
