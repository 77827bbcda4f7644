"""What the test's numbers mean, in plain words: the report's first lines, and the summary as Markdown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from markupsafe import Markup

from components.step.counts import counted
from components.step.errors import one_line
from components.step.markdown import markdown_table, markdown_text
from components.step.reports import decimal, percent

FEW_IMAGES = 100
WIDE_INTERVAL = 0.1
MAX_NAME = 60

Text = TypeVar("Text", bound=str)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of ours with places, `{}`, for a user's `names`."""

    text: str
    names: tuple[str, ...] = ()

    def html(self) -> Markup:
        """Return it with the names escaped, each apart from the direction of the text around it."""
        names = (Markup("<b><bdi>{}</bdi></b>").format(one_line(name, MAX_NAME)) for name in self.names)
        return Markup(self.text).format(*names)  # noqa: S704  The text is ours.

    def markdown(self) -> str:
        """Return it with the names as Markdown that shows them as they are."""
        return self.text.format(*(f"**{markdown_text(name, MAX_NAME)}**" for name in self.names))


def verdict(statistics: Mapping[str, Any], report_data: Mapping[str, Any]) -> list[Sentence]:
    """Return what a reader should know first, the most important first."""
    found = [_accuracy(statistics), _against_the_most_frequent(statistics), _weakest(statistics)]
    found += [_confused(statistics), _probabilities(statistics), _worse_slices(statistics)]
    found += [_doubtful(report_data), _leaked(report_data)]
    return [sentence for sentence in found if sentence]


def markdown_summary(statistics: Mapping[str, Any], report_data: Mapping[str, Any]) -> str:
    """Return the summary as Markdown for the pipeline's page; names in it are escaped."""
    lines = "".join(f"- {sentence.markdown()}\n" for sentence in verdict(statistics, report_data))
    notes = "".join(f"- {markdown_text(note)}\n" for note in report_data["notes"])
    rows = [[cell.replace("\N{NARROW NO-BREAK SPACE}", " ") for cell in row] for row in headline(statistics)]
    table = markdown_table(("metric", "value", "95 % interval"), rows)
    return f"# {statistics['ok']} of {statistics['total']} test images right\n\n{lines}{notes}\n{table}\n"


def headline(statistics: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return name, value and interval of each headline metric, as text; the interval is empty where none is known."""
    shown: list[tuple[str, str, Callable[[float], str]]] = [
        ("accuracy", "accuracy", percent),
        ("balanced accuracy", "balanced_accuracy", percent),
        ("macro F1", "macro_f1", decimal),
        ("log loss", "log_loss", decimal),
        ("calibration error", "expected_calibration_error", percent),
    ]
    intervals = statistics["intervals"]
    rows = [(title, form(statistics[name]), _interval(intervals[name], form)) for title, name, form in shown]
    best = [top for top in statistics["top_k"] or [] if top["k"] in (3, 5)][-1:]
    return rows + [(f"in the first {t['k']}", percent(t["accuracy"]), _range(t["interval"], percent)) for t in best]


def _interval(interval: Mapping[str, Any] | None, form: Callable[[float], str]) -> str:
    return _range((interval["low"], interval["high"]), form) if interval else ""


def _range(bounds: Sequence[float], form: Callable[[float], str]) -> str:
    return f"{form(bounds[0])} to {form(bounds[1])}"


def _accuracy(statistics: Mapping[str, Any]) -> Sentence:
    low, high = statistics["accuracy_interval_95"]
    text = f"Of other images like these, it is likely to get between {percent(low)} and {percent(high)} right."
    if high - low > WIDE_INTERVAL:
        few = f" with {counted(statistics['total'], 'image')}" if statistics["total"] < FEW_IMAGES else ""
        text += f" That is a wide range{few}: a larger test set would narrow it."
    return Sentence(text)


def _against_the_most_frequent(statistics: Mapping[str, Any]) -> Sentence | None:
    most = max(one["support"] for one in statistics["classes"])
    frequent = [one["class_name"] for one in statistics["classes"] if one["support"] == most]
    share = most / statistics["total"]
    if share == 1:
        text = "All test images are labelled {}, so this says nothing of other classes."
        return Sentence(text, (frequent[0],))
    low, high = statistics["accuracy_interval_95"]
    judged = "clearly better" if low > share else "clearly worse" if high < share else "not clearly better"
    if len(frequent) > 1:
        text = f"That is {judged} than always answering one and the same class, right for at most {percent(share)}."
        return Sentence(text)
    text = f"That is {judged} than always answering {{}}, the most frequent class, right for {percent(share)}."
    return Sentence(text, (frequent[0],))


def _weakest(statistics: Mapping[str, Any]) -> Sentence | None:
    with_samples = [one for one in statistics["classes"] if one["support"]]
    lowest = min(one["recall"] for one in with_samples)
    if lowest == 1:
        return Sentence("No class has a mistake.")
    weakest, *others = [one for one in with_samples if one["recall"] == lowest]
    if others:
        found = f"{percent(lowest)} of the images of each are found"
        return Sentence(f"{counted(1 + len(others), 'class', 'classes')} are the weakest alike: {found}.")
    images = counted(weakest["support"], "image is", "images are")
    text = f"The weakest class is {{}}: {weakest['right']} of its {images} found."
    return Sentence(text, (weakest["class_name"],))


def _confused(statistics: Mapping[str, Any]) -> Sentence | None:
    if not statistics["confusions"]:
        return None
    worst, *others = statistics["confusions"]
    names, times = (worst["truth"], worst["predicted"]), "once" if worst["count"] == 1 else f"{worst['count']} times"
    if not others:
        return Sentence(f"The only mistake is {{}} taken for {{}}, {times}.", names)
    if others[0]["count"] < worst["count"]:
        return Sentence(f"The most frequent mistake is {{}} taken for {{}}, {times}.", names)
    if worst["count"] == 1:
        return Sentence("No mistake was made twice.")
    return Sentence(f"No mistake is the most frequent: several were made {times} each.")


def _probabilities(statistics: Mapping[str, Any]) -> Sentence:
    before, after = (statistics["calibration"][when] for when in ("before", "after"))
    off = percent(after["expected_calibration_error"])
    text = f"The probabilities that it states are off by {off} on average"
    return Sentence(f"{text} ({percent(before['expected_calibration_error'])} before calibration).")


def _worse_slices(statistics: Mapping[str, Any]) -> Sentence | None:
    parts = [part for kind in ("by_group", "by_size", "by_brightness") for part in statistics["slices"][kind]]
    worse = sorted((part for part in parts if part["worse"]), key=lambda part: part["accuracy"])[:3]
    places = ", ".join(f"{{}} ({percent(part['accuracy'])})" for part in worse)
    names = tuple(part["name"] for part in worse)
    return Sentence(f"It is clearly worse than elsewhere on {places}.", names) if worse else None


def _doubtful(report_data: Mapping[str, Any]) -> Sentence | None:
    total = report_data["suspected_label_errors"]["total"]
    what = "One label looks" if total == 1 else f"{total} labels look"
    return Sentence(f"{what} wrong and should be checked before the model is blamed.") if total else None


def _leaked(report_data: Mapping[str, Any]) -> Sentence | None:
    total = report_data["leakage"]["total"]
    what = "One test image looks" if total == 1 else f"{total} test images look"
    text = f"{what} almost like images the model was trained on, which flatters the figures."
    return Sentence(text) if total else None
