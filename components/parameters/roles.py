"""What a function of the user's can be for, how it is then called, and what is said of one that cannot be it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """`flag` names such a function, `called` is how sentences call it, `example` how it is written.

    It takes the values that `takes` lists by name, `taken` in words, and `does` what it is for.
    """

    flag: str
    called: str
    example: str
    takes: tuple[str, ...]
    taken: str
    does: str


BACKBONE = Role(
    "--backbone",
    "A backbone",
    "build(image_size), which returns a Keras model",
    ("image_size",),
    "an image size and nothing else",
    "build",
)
PREPROCESSING = Role(
    "--preprocessing",
    "A preprocessing",
    "build(image_size), which returns a Keras model",
    ("image_size",),
    "an image size and nothing else",
    "build",
)
AUGMENTATION = Role(
    "--augment",
    "An augmentation",
    "augment(image, random), which returns an image",
    ("image", "random"),
    "an image and a random generator and nothing else",
    "run",
)
EVALUATOR = Role(
    "--evaluator",
    "An evaluator",
    "evaluate(test), which returns numbers and columns by name",
    ("test",),
    "what a test gave and nothing else",
    "run",
)
ROLES = {role.flag: role for role in (BACKBONE, PREPROCESSING, AUGMENTATION, EVALUATOR)}
