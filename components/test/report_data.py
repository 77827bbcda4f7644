"""What the test report's scripts read: the samples with their pictures, as small as the file's budget asks."""

import base64
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from components.dataset.images import data_uri, decode_image
from components.step.errors import one_line

MAX_NAME = 200  # The tables of the test step hold names in full.
DECIMALS = 4
# Side in pixels and quality of pictures that would not fit; the last is a postage stamp, still told apart.
SMALLER = ((96, 60), (80, 50), (64, 45), (48, 40))


def page_data(
    report_data: Mapping[str, Any], class_names: Sequence[str], abstention: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the JSON that the page's scripts read; `test_page.js` describes it."""
    index = {name: position for position, name in enumerate(class_names)}
    numbers = {name: position for position, name in enumerate(report_data["neighbour_thumbnails"])}
    doubtful = {one["sample_id"]: one for one in report_data["suspected_label_errors"]["listed"]}
    return {
        "classes": [one_line(name, MAX_NAME) for name in class_names],
        "samples": [_sample(sample, index, numbers, doubtful) for sample in report_data["samples"]],
        "pictures": list(report_data["neighbour_thumbnails"].values()),
        "neighbours_known": report_data["neighbours_known"],
        "coverage": abstention["curve"],
    }


def _sample(
    sample: Mapping[str, Any],
    index: Mapping[str, int],
    numbers: Mapping[str, int],
    doubtful: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    doubt = doubtful.get(sample["sample_id"])
    return {
        "name": one_line(sample["sample_id"], MAX_NAME),
        "group": one_line(sample["group"], MAX_NAME),
        "label": index[sample["label"]],
        "predicted": index[sample["prediction"]],
        "probabilities": [[index[name], round(share, DECIMALS)] for name, share in sample["probabilities"]],
        "suggested": index[doubt["suggested"]] if doubt else -1,
        "score": doubt["score"] if doubt else -1,
        "picture": sample["thumbnail"],
        "near": [_near(near, index, numbers) for near in sample["neighbours"]],
        **{name: round(sample[name], DECIMALS) for name in ("loss", "confidence", "brightness")},
        **{name: sample[name] for name in ("anchor", "width", "height")},
    }


def _near(near: Mapping[str, Any], index: Mapping[str, int], numbers: Mapping[str, int]) -> dict[str, Any]:
    return {
        "name": one_line(near["sample_id"], MAX_NAME),
        "label": index.get(near["label"], -1),
        "split": near["split"],
        "similarity": round(near["similarity"], DECIMALS),
        "picture": numbers.get(near["sample_id"], -1),
    }


def pictures_of(data: Mapping[str, Any]) -> list[str]:
    """Return every picture of a page's `data`: those of the samples, then those of their neighbours."""
    return [*(sample["picture"] for sample in data["samples"]), *data["pictures"]]


def with_pictures(data: Mapping[str, Any], pictures: Sequence[str]) -> dict[str, Any]:
    """Return `data` with other `pictures`, in the order of `pictures_of`."""
    samples = [{**sample, "picture": pictures[at]} for at, sample in enumerate(data["samples"])]
    return {**data, "samples": samples, "pictures": list(pictures[len(samples) :])}


def fitted(pictures: Sequence[str], budget: int) -> list[str]:
    """Return `pictures`, made smaller until they have at most `budget` characters together.

    Where even the smallest do not fit, the last ones are left out.
    """
    sizes = iter(SMALLER)
    while sum(map(len, pictures)) > budget and (size := next(sizes, None)):
        pictures = [_smaller(picture, *size) for picture in pictures]
    return _first_that_fit(pictures, budget)


def _smaller(picture: str, side: int, quality: int) -> str:
    if not picture:
        return picture
    image = decode_image(base64.b64decode(picture.partition(",")[2]))
    return data_uri(image, side, quality, effort=4)


def _first_that_fit(pictures: Sequence[str], budget: int) -> list[str]:
    ends = itertools.accumulate(map(len, pictures))
    return [picture if end <= budget else "" for picture, end in zip(pictures, ends, strict=True)]
