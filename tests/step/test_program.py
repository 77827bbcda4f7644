"""What a program says of itself is the same wherever it is the same, and never more than that."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import VERSION
from components.step.program import IMAGE, REVISION, UNKNOWN, code_digest, program_facts

ROOT = Path(__file__).parents[2]


def test_it_names_version_code_revision_and_image():
    image = f"registry.test/pawline-train@sha256:{'a' * 64}"
    facts = program_facts({REVISION: "4e5e89b", IMAGE: image, "HOSTNAME": "node-7", "AWS_SECRET_ACCESS_KEY": "hidden"})
    assert facts == {"version": VERSION, "revision": "4e5e89b", "code": code_digest(), "image": image}


def test_outside_of_an_image_it_knows_its_code_alone():
    assert program_facts({}) == {"version": VERSION, "revision": UNKNOWN, "code": code_digest(), "image": UNKNOWN}


def test_its_code_is_every_module_by_name():
    digest = hashlib.sha256()
    for path in sorted((ROOT / "components").rglob("*.py"), key=lambda path: path.relative_to(ROOT).as_posix()):
        digest.update(path.relative_to(ROOT / "components").as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    assert code_digest() == digest.hexdigest()


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=600))
def test_whatever_the_environment_says_is_short_and_printable(text):
    said = program_facts({IMAGE: text})["image"]
    assert said.isprintable()
    assert 0 < len(said) <= 512


@pytest.mark.parametrize("name", ["Dockerfile.train", "Dockerfile.serve"])
def test_the_images_are_built_with_the_revision_behind_all_that_is_large(name):
    text = (ROOT / name).read_text()
    for stage in text.split("\nFROM ")[1:]:
        if "pip" in stage:
            order = [
                stage.index(part) for part in ('"pip"', "ARG SOURCE_REVISION", f"ENV {REVISION}=${{SOURCE_REVISION}}")
            ]
            assert order == sorted(order)
