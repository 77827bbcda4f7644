"""Samples that cannot be used, for whatever reason: with `fail` they end the step, with `drop` they are left out."""

from collections.abc import Sequence
from dataclasses import dataclass

from components.step.errors import DataError, UsageError, first_ten, one_line


@dataclass(frozen=True, slots=True, order=True)
class BadSample:
    """A sample that cannot be used: the rule it breaks and what is the matter with it."""

    rule: str
    sample_id: str
    detail: str

    def __str__(self) -> str:
        """Return the sample and its fault as shown in messages."""
        return f"{self.sample_id} {self.detail}"


MUST_AGREE = "The annotators of an image must agree"
MUST_EXIST = "Every annotated image must exist"
MUST_DECODE = "Every image must be decodable"
MUST_HAVE_ONE_LABEL = "The same image must not have two labels"
MUST_BE_IN_A_CLASS = "Every image must lie in a class folder"
MUST_BE_IN_A_SPLIT = "Every image must be in one split"
MUST_NOT_LEAD_OUT = "A link must not lead out of its folder"
MUST_BE_A_PATH = "The name of an image must be a path without '..', empty parts, backslashes or control characters"
MUST_BE_ONE_IMAGE = "An annotation must be of one image, and an image have one name"
MUST_HAVE_A_NAME_LEFT = "The name of an image must leave room for that of a box"
MUST_BE_OF_ONE_CLASS = "An image must be of one class"
MUST_LOOK_OTHERWISE = "Labels that look the same must be the same"


def check_on_bad_sample(on_bad_sample: str) -> None:
    """Check that `on_bad_sample` is fail or drop.

    Raises:
        UsageError: it is neither.
    """
    if on_bad_sample not in ("fail", "drop"):
        received = f"on_bad_sample={one_line(repr(on_bad_sample), 40)}"
        raise UsageError(f"on_bad_sample must be fail or drop. Received: {received}. Choose one.")


class Rejections:
    """Collects the bad samples; with `fail` the first ones end the step."""

    def __init__(self, on_bad_sample: str) -> None:
        """Start with none.

        Raises:
            UsageError: `on_bad_sample` is neither fail nor drop.
        """
        check_on_bad_sample(on_bad_sample)
        self.bad: list[BadSample] = []
        self._fail = on_bad_sample == "fail"

    def add(self, bad: Sequence[BadSample], classes_left: int = 2) -> None:
        """Take `bad` in; without them samples of `classes_left` classes are left.

        Raises:
            DataError: there are any and they are not to be dropped; names the rules, the first ten and their number.
        """
        self.bad.extend(bad)
        if self._fail and self.bad:
            rules = sorted({sample.rule for sample in self.bad})
            enough = ", or leave them out with on_bad_sample=drop" if classes_left >= 2 else ""
            raise DataError(
                f"{'; '.join(rules)}. Received: {first_ten([str(sample) for sample in sorted(self.bad)])}. "
                f"Correct them{enough}."
            )
