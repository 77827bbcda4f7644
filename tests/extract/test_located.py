"""Images that an export names by another place are found by the end of their names, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.extract.annotations import Annotation, AnnotationSet
from components.extract.bad_samples import MUST_BE_ONE_IMAGE
from components.extract.located import located


def found(addresses: list[str], names: list[str], images_uri: str = "s3://photos/pets") -> AnnotationSet:
    return located(AnnotationSet("x", [Annotation(address, "cat") for address in addresses]), images_uri, names)


@pytest.mark.parametrize(
    ("address", "names", "name"),
    [
        ("a.png", ["a.png", "b/a.png"], "a.png"),
        ("photos/pets/b/a.png", ["a.png", "b/a.png"], "b/a.png"),
        ("photos/pets/a.png", ["a.png", "b/a.png"], "a.png"),
        ("elsewhere/b/a.png", ["c/a.png", "b/a.png"], "b/a.png"),
        ("data/upload/1/0a1b2c3d-a.png", ["a.png", "b.png"], "a.png"),
        ("data/upload/1/0a1b2c3d-a.png", ["x/y/a.png", "b.png"], "x/y/a.png"),
        ("data/upload/1/0a1b2c3d-a.png", ["0a1b2c3d-a.png", "a.png"], "0a1b2c3d-a.png"),
        ("a.png", ["sub/a.png"], "sub/a.png"),
        ("000a", ["000a.jpg", "000ab.jpg"], "000a.jpg"),
        ("000a", ["train/000a.jpg"], "train/000a.jpg"),
        ("a", ["a", "a.png"], "a"),
        ("v1.2", ["v1.2.png", "v1.png"], "v1.2.png"),
    ],
)
def test_an_address_leads_to_one_image(address: str, names: list[str], name: str) -> None:
    assert [(a.file_name, a.label) for a in found([address], names).annotations] == [(name, "cat")]
    assert not found([address], names).bad


@pytest.mark.parametrize(
    ("addresses", "names"),
    [
        (["x/a.png"], ["y/x/a.png", "z/x/a.png"]),
        (["a.png"], ["b/a.png", "c/a.png"]),
        (["elsewhere/b/a.png"], ["a.png", "b/a.png"]),
        (["a"], ["a.png", "a.jpg"]),
        (["b/a.png", "c/a.png"], ["a.png"]),
        (["a.png", "data/upload/1/0a1b2c3d-a.png"], ["a.png"]),
    ],
)
def test_what_may_be_several_is_none_of_them(addresses: list[str], names: list[str]) -> None:
    result = found(addresses, names)
    assert result.annotations == []
    assert [(bad.rule, bad.sample_id) for bad in result.bad] == [(MUST_BE_ONE_IMAGE, a) for a in sorted(addresses)]


def test_what_was_found_elsewhere_is_said_and_what_is_nowhere_keeps_its_name() -> None:
    result = found(["p/a.png", "nowhere.png"], ["a.png"])
    assert [a.file_name for a in result.annotations] == ["a.png", "nowhere.png"]
    assert result.notes == [
        "Images found by the end of the names that the export gives them: a.png for p/a.png (1 in all)."
    ]


PATH = st.lists(st.sampled_from(["a", "b", "a.png", "0a1b2c3d-a.png"]), min_size=1, max_size=3).map("/".join)


@given(st.lists(PATH, unique=True), st.lists(PATH, unique=True))
def test_each_address_is_found_bad_or_as_it_was_and_no_image_is_taken_twice(addresses, names) -> None:
    result = found(addresses, names)
    told = [a.file_name for a in result.annotations]
    assert len(told) == len(set(told))
    assert len(told) + len(result.bad) == len(addresses)
    assert all(name in names or name in addresses for name in told)
