"""The recipe: how a classifier is trained, as flags and as checked values. Standard library only."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields

from components.parameters.references import check_reference
from components.parameters.roles import AUGMENTATION, PREPROCESSING
from components.step.errors import UsageError, one_line
from components.step.nearest import did_you_mean_or_choose

AUGMENTATIONS = ("none", "light", "strong")
CLASS_WEIGHTS = ("none", "balanced")
SCHEDULES = ("constant", "cosine")
MOST = 1_000_000
COUNTS = ("epochs", "fine_tune_epochs", "fine_tune_layers", "early_stopping_patience", "warmup_epochs")
OPTIMIZERS = ("adam", "adamw", "sgd", "rmsprop")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a classifier is trained; the same recipe on the same data gives the same weights on the same machine."""

    epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 0.001
    seed: int = 0
    fine_tune_epochs: int = 0
    fine_tune_layers: int = 20
    augment: str = "none"
    class_weight: str = "none"
    label_smoothing: float = 0.0
    early_stopping_patience: int = 0
    warmup_epochs: int = 0
    schedule: str = "constant"
    optimizer: str = "adam"
    preprocessing: str = ""

    @property
    def own_functions(self) -> list[str]:
        """The functions of the user's own that it names."""
        return [name for name in (self.augment, self.preprocessing) if ":" in name]


_HELP = {
    "epochs": "passes over the training samples with the backbone frozen",
    "batch_size": "samples a step",
    "learning_rate": "the optimizer's learning rate; fine-tuning takes a tenth of it",
    "seed": "the run's seed",
    "fine_tune_epochs": "passes of a second phase, in which the backbone's last layers learn too",
    "fine_tune_layers": "how many of the backbone's last layers learn then, counted as Keras lists them",
    "augment": "none, light (flip, crop, colour), strong (more of them, and MixUp), or module:function",
    "class_weight": "none, or balanced: every class counts the same however many samples it has",
    "label_smoothing": "share of each label spread over all classes, 0 to below 1",
    "early_stopping_patience": "epochs without a lower validation loss that end a phase; 0 for never",
    "warmup_epochs": "epochs in which the learning rate of a phase rises to its full value",
    "schedule": "constant, or cosine: the learning rate falls to zero over each phase",
    "optimizer": "adam, adamw, sgd (with momentum) or rmsprop",
    "preprocessing": "module:function that gives layers before the backbone; none if empty",
}


def add_recipe_flags(parser: argparse.ArgumentParser) -> None:
    """Add a flag with its default for each field of `Recipe`."""
    for field in fields(Recipe):
        flag = f"--{field.name.replace('_', '-')}"
        parser.add_argument(flag, type=type(field.default), default=field.default, help=_HELP[field.name])


def recipe_from(arguments: argparse.Namespace) -> Recipe:
    """Return the recipe that `arguments` hold, checked.

    Raises:
        UsageError: a value is not legal.
    """
    recipe = Recipe(**{field.name: getattr(arguments, field.name) for field in fields(Recipe)})
    check_recipe(recipe)
    return recipe


def check_recipe(recipe: Recipe) -> None:
    """Check that the recipe's values make sense.

    Raises:
        UsageError: one does not; the message has the nearest legal name where there are names.
    """
    _check_numbers(recipe)
    if recipe.preprocessing:
        check_reference(recipe.preprocessing, PREPROCESSING)
    if ":" in recipe.augment:
        check_reference(recipe.augment, AUGMENTATION)
    choices = {
        "augment": (*AUGMENTATIONS, recipe.augment) if ":" in recipe.augment else AUGMENTATIONS,
        "class_weight": CLASS_WEIGHTS,
        "schedule": SCHEDULES,
        "optimizer": OPTIMIZERS,
    }
    for name, legal in choices.items():
        if getattr(recipe, name) not in legal:
            raise UsageError(_unknown(name, getattr(recipe, name), legal))


def _check_numbers(recipe: Recipe) -> None:
    rules = {
        "--epochs must be at least 1": recipe.epochs >= 1,
        "--batch-size must be at least 1": recipe.batch_size >= 1,
        "--learning-rate must be above 0 and at most 10": 0 < recipe.learning_rate <= 10,
        "--seed must be between 0 and 4294967295": 0 <= recipe.seed < 2**32,
        "--fine-tune-epochs must be at least 0": recipe.fine_tune_epochs >= 0,
        "--fine-tune-layers must be at least 1": recipe.fine_tune_layers >= 1,
        "--label-smoothing must be at least 0 and below 1": 0 <= recipe.label_smoothing < 1,
        "--early-stopping-patience must be at least 0": recipe.early_stopping_patience >= 0,
        "--warmup-epochs must be at least 0": recipe.warmup_epochs >= 0,
    }
    # Larger ones are slips, which Python's own numbers would carry as far as the first that is a float.
    rules |= {f"--{name.replace('_', '-')} must be at most {MOST}": getattr(recipe, name) <= MOST for name in COUNTS}
    for rule, holds in rules.items():
        if not holds:
            flag = rule.split()[0]
            value = getattr(recipe, flag[2:].replace("-", "_"))
            raise UsageError(f"{rule}. Received: {flag} {one_line(value, 40)}. Correct it.")


def _unknown(name: str, value: str, legal: Sequence[str]) -> str:
    flag = f"--{name.replace('_', '-')}"
    hint = did_you_mean_or_choose(value, legal)
    return f"{flag} must be one of {', '.join(legal)}. Received: {flag} {one_line(value, 60)}. {hint}"
