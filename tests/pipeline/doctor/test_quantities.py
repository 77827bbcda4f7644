"""Quantities are read as Kubernetes' own client reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as some
from kubernetes.utils.quantity import parse_quantity

from pipeline.doctor.quantities import amount, written

SUFFIXES = ("", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
NUMBERS = some.integers(0, 10**6).map(str) | some.decimals(0, 10**4, places=3).map(str)


@given(NUMBERS, some.sampled_from(SUFFIXES))
def test_an_amount_is_what_kubernetes_reads(number: str, suffix: str) -> None:
    assert amount(number + suffix) == pytest.approx(float(parse_quantity(number + suffix)))


@pytest.mark.parametrize("text", ["", "m", "1.5.2", "8 Gi", "eight", "1Bi", None, [], "--1"])
def test_what_is_no_quantity_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="no quantity"):
        amount(text)


@pytest.mark.parametrize(
    ("number", "like", "text"),
    [(0.5, "cpu", "0.5"), (8 * 2**30, "memory", "8Gi"), (268435456, "requests.storage", "256Mi"), (3, "pods", "3")],
)
def test_numbers_are_written_as_people_write_them(number: float, like: str, text: str) -> None:
    assert written(number, like) == text
