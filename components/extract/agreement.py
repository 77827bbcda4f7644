"""From annotations to one label per image, and the samples that cannot be used."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from components.extract.annotations import Annotation, by_file
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


@dataclass(frozen=True, slots=True)
class Agreed:
    """An image's label that its annotators agree on; `group` is empty unless the annotation file names one."""

    sample_id: str
    label: str
    group: str


MUST_AGREE = "The annotators of an image must agree"
MUST_EXIST = "Every annotated image must exist"
MUST_DECODE = "Every image must be decodable"
MUST_HAVE_ONE_LABEL = "The same image must not have two labels"


def agree(annotations: Iterable[Annotation]) -> tuple[list[Agreed], list[BadSample]]:
    """Return the agreed labels, and the images whose annotators disagree, both in order of the names.

    One label, or the label of more than half of three or more annotators, is an agreement.
    """
    agreed, bad = [], []
    for name, of_file in by_file(annotations):
        label, count = Counter(sorted(a.label for a in of_file)).most_common(1)[0]
        groups = {a.group for a in of_file if a.group}
        if count == len(of_file) or (len(of_file) >= 3 and 2 * count > len(of_file)):
            agreed.append(Agreed(name, label, min(groups, default="")))
        else:
            bad.append(
                BadSample(MUST_AGREE, name, f"is {' and '.join(sorted({one_line(a.label, 60) for a in of_file}))}")
            )
    return agreed, bad


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

    def add(self, bad: Sequence[BadSample]) -> None:
        """Take `bad` in.

        Raises:
            DataError: there are any and they are not to be dropped; names the rules, the first ten and their number.
        """
        self.bad.extend(bad)
        if self._fail and self.bad:
            rules = sorted({sample.rule for sample in self.bad})
            raise DataError(
                f"{'; '.join(rules)}. Received: {first_ten([str(sample) for sample in sorted(self.bad)])}. "
                "Correct them, or leave them out with on_bad_sample=drop."
            )
