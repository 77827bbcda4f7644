"""`pawline check-augmentation` and its like: a user's own functions before a run depends on them."""

import argparse

from components.parameters.networks import LARGEST_IMAGE
from components.step.errors import UsageError
from pipeline.cli.check_backbone import show_findings


def check_augmentation(arguments: argparse.Namespace) -> None:
    """Print the rules that an augmentation keeps and breaks, on random images.

    Raises:
        UsageError: there is no such function.
        DataError: it breaks a rule.
    """
    from components.train.own_augmentation import check_augmentation, random_images

    _check_side(arguments.image_size)
    found = check_augmentation(arguments.name, random_images(arguments.image_size))
    show_findings("augmentation", arguments.name, found, arguments.json)


def check_preprocessing(arguments: argparse.Namespace) -> None:
    """Print the rules that a preprocessing keeps and breaks.

    Raises:
        UsageError: there is no such function, or it cannot be built.
        DataError: it breaks a rule.
    """
    # Keras takes seconds to import; the other commands do without.
    from components.backbones.conformance import check_preprocessing

    _check_side(arguments.image_size)
    found = check_preprocessing(arguments.name, arguments.image_size)
    show_findings("preprocessing", arguments.name, found, arguments.json)


def check_evaluator(arguments: argparse.Namespace) -> None:
    """Print the rules that an evaluator keeps and breaks, on a made-up test.

    Raises:
        UsageError: there is no such function.
        DataError: it breaks a rule.
    """
    from components.test.own_evaluator import check_evaluator

    show_findings("evaluator", arguments.name, check_evaluator(arguments.name), arguments.json)


def _check_side(pixels: int) -> None:
    if not 1 <= pixels <= LARGEST_IMAGE:
        raise UsageError(
            f"Images must be 1 to {LARGEST_IMAGE} pixels a side. Received: --image-size {pixels}. Correct it."
        )
