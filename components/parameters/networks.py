"""Backbones, image sizes and weights as far as their names go: Keras takes seconds to import and is not asked."""

from dataclasses import dataclass
from importlib.metadata import entry_points

from components.parameters.own_functions import declared_by_own
from components.parameters.references import GROUP, check_reference
from components.step.errors import DataError, UsageError, one_line
from components.step.nearest import did_you_mean
from components.storage.stores import split_uri

DEFAULT, SMALL_CNN = "efficientnet_lite0", "small_cnn"
IMAGENET, NONE = "imagenet", "none"
LARGEST_IMAGE = 4096  # Pixels a side; a bundle takes no more.

# The image models of `keras.applications`, in the sizes their published weights were trained at and the least they
# take, in pixels a side; a test compares all three with Keras's own.
_SIZED_224 = (
    *("convnextbase", "convnextlarge", "convnextsmall", "convnexttiny", "convnextxlarge"),
    *("densenet121", "densenet169", "densenet201", "efficientnetb0", "efficientnetv2b0"),
    *("mobilenet", "mobilenetv2", "mobilenetv3large", "mobilenetv3small", "nasnetmobile"),
    *("resnet101", "resnet101v2", "resnet152", "resnet152v2", "resnet50", "resnet50v2", "vgg16", "vgg19"),
)
APPLICATIONS = dict.fromkeys(_SIZED_224, (224, 32)) | {
    "efficientnetb1": (240, 32),
    "efficientnetb2": (260, 32),
    "efficientnetb3": (300, 32),
    "efficientnetb4": (380, 32),
    "efficientnetb5": (456, 32),
    "efficientnetb6": (528, 32),
    "efficientnetb7": (600, 32),
    "efficientnetv2b1": (240, 32),
    "efficientnetv2b2": (260, 32),
    "efficientnetv2b3": (300, 32),
    "efficientnetv2l": (480, 32),
    "efficientnetv2m": (480, 32),
    "efficientnetv2s": (384, 32),
    "inceptionresnetv2": (299, 75),
    "inceptionv3": (299, 75),
    "nasnetlarge": (331, 32),
    "xception": (299, 71),
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a network without building it: image sizes in pixels a side, and the weights files it reads.

    `trained_from_scratch`: it has no pretrained weights, so that it is trained whole and never frozen.
    """

    name: str
    image_size: int
    minimum_size: int
    weights_suffixes: tuple[str, ...]
    trained_from_scratch: bool


OWN_SUFFIXES = (".weights.h5",)
OURS = {
    DEFAULT: Facts(DEFAULT, 224, 32, (".pth", ".weights.h5"), False),
    SMALL_CNN: Facts(SMALL_CNN, 32, 8, (".weights.h5",), True),
}


def facts_of(name: str) -> Facts | None:
    """Return what is known of the backbone `name`, None of a user's own; case, `_` and `-` do not matter.

    Raises:
        UsageError: there is none, with the nearest names; or a user's own is not spelled as one.
    """
    key = name.lower().replace("_", "").replace("-", "")
    for facts in OURS.values():
        if key == facts.name.replace("_", ""):
            return facts
    if key in APPLICATIONS:  # HDF5 holds arrays only; `.h5` covers `.weights.h5` and the files Keras publishes.
        return Facts(key, *APPLICATIONS[key], (".h5",), False)
    if ":" in name or name in registered_names():
        return None
    raise UsageError(f"The backbone must be known. Received: --backbone {one_line(name, 60)}. {_nearest(key)}")


def backbone_names() -> list[str]:
    """Return every backbone's name, sorted; those that a user gives as `module:function` have none."""
    return sorted({*OURS, *APPLICATIONS, *registered_names()})


def registered_names() -> list[str]:
    """Return the names that installed packages have registered as backbones, sorted."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def check_network(backbone: str, weights: str, image_size: int) -> None:
    """Check what the three names and numbers say; nothing is built.

    Raises:
        UsageError: there is no such backbone, or it takes no such weights or images.
        DataError: there is no such weights file.
        ServiceError: the weights' store does not answer.
    """
    facts = all_facts_of(backbone)
    check_image_size(facts, image_size)
    check_weights(weights, facts.weights_suffixes)
    if weights not in (IMAGENET, NONE):
        store, name = split_uri(weights)
        if not store.exists(name):
            raise DataError(f"--weights must be there. Received: {one_line(weights)}. Correct the URI.")


def all_facts_of(backbone: str) -> Facts:
    """Return what is known of `backbone`; of a user's own the module is imported in another process.

    Raises:
        UsageError: there is none, or a user's own cannot be used.
    """
    if known := facts_of(backbone):
        return known
    if ":" in backbone:
        check_reference(backbone)  # At once, where the module's source says it.
    declared = declared_by_own(backbone)
    if declared is None:
        return Facts(backbone, 0, 1, OWN_SUFFIXES, False)
    return Facts(backbone, declared.image_size, declared.minimum_size, OWN_SUFFIXES, declared.trained_from_scratch)


def check_fine_tuning(facts: Facts, epochs: int) -> None:
    """Check that a network which is to be fine-tuned for `epochs`, if any, is one that was trained before.

    Raises:
        UsageError: it is trained whole anyway.
    """
    if epochs > 0 and facts.trained_from_scratch:
        raise UsageError(
            f"Fine-tuning needs a pretrained backbone. Received: --backbone {one_line(facts.name, 120)} "
            f"--fine-tune-epochs {epochs}. Raise epochs instead: this network is trained whole."
        )


def check_image_size(facts: Facts, image_size: int) -> int:
    """Return `image_size`, or the network's own for 0.

    Raises:
        UsageError: it is smaller than the network can take, or larger than a bundle.
    """
    if image_size and not facts.minimum_size <= image_size <= LARGEST_IMAGE:
        bound = f"at least {facts.minimum_size}" if image_size < facts.minimum_size else f"at most {LARGEST_IMAGE}"
        raise UsageError(
            f"Images for {one_line(facts.name, 60)} must be {bound} pixels a side. "
            f"Received: --image-size {image_size}. Use 0 for the backbone's own{_own(facts)}."
        )
    return image_size or facts.image_size


def check_weights(weights: str, suffixes: tuple[str, ...]) -> None:
    """Check that `weights` is `imagenet`, `none` or the URI of a file whose name ends as one of `suffixes`.

    Raises:
        UsageError: it is not. Full models are never read: they can carry code.
    """
    if weights not in (IMAGENET, NONE) and not weights.endswith(suffixes):
        raise UsageError(
            f"--weights must be {IMAGENET}, {NONE} or the URI of a {' or '.join(suffixes)} file. "
            f"Received: {one_line(weights)}. Choose one; whole models are never read."
        )


def _own(facts: Facts) -> str:
    return f", {facts.image_size}" if facts.image_size else ""


def _nearest(name: str) -> str:
    # Where several begin so, ours come first, then what has the shortest name: resnet50 before resnet101v2.
    names = sorted(backbone_names(), key=lambda known: (known not in OURS, len(known), known))
    hint = did_you_mean(name, names, most=3).rstrip()
    return hint or f"Known: {', '.join(backbone_names())}."
