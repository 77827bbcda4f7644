"""The model card says what the bundle knows, whatever names a user gave his classes."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from components.bundle.manifest import Provenance
from components.bundle.model_card import model_card, write_model_card

FACTS = Provenance(
    ["cat", "dog"], 224, "vgg16", "imagenet", "f" * 64, 7, {"epochs": 30}, {"validation_loss": 0.25, "best_epoch": 4.0}
)
COUNTS = {"train": {"cat": 90, "dog": 80}, "validation": {"cat": 31, "dog": 4}}


def rendered(text: str) -> list[str]:
    """Return the texts of the page's headings and table cells."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text.split("---\n", 2)[2])
    texts = pairwise(tokens)
    return [
        "".join(child.content for child in content.children)
        for before, content in texts
        if before.type in ("heading_open", "td_open")
    ]


def test_the_card_has_data_counts_metrics_recipe_and_limits():
    card = model_card(FACTS, COUNTS, "s3://bucket/datasets/abc")
    assert rendered(card) == [
        "Image classifier: cat, dog", "Model", "Use", "Data", "cat", "90", "31", "dog", "80", "4", "all", "170", "35",
        "Metrics", "validation_loss", "0.2500", "best_epoch", "4", "Recipe", "epochs", "30", "Limits",
    ]  # fmt: skip
    assert "`" + "f" * 64 + "` at s3://bucket/datasets/abc, split with seed 7" in card
    assert "- Fewer than 30 validation samples of: dog.\n" in card
    assert "Fewer than 30 train" not in card
    assert card.startswith('---\nlibrary_name: "keras"\npipeline_tag: "image-classification"\n')


def test_a_network_without_pretraining_is_called_so():
    assert "not pretrained" in model_card(replace(FACTS, weights="none"), COUNTS)
    assert "not pretrained" not in model_card(FACTS, COUNTS)


@pytest.mark.parametrize(
    ("weights", "training", "said"),
    [
        ("imagenet", {"epochs": 3}, "(weights: imagenet) with a head trained on its features."),
        ("imagenet", {"fine_tune_epochs": 2}, "whose last layers were trained further, with a head"),
        ("none", {"epochs": 3}, "(weights: none) that was not pretrained, with a head."),
    ],
)
def test_the_card_says_what_was_trained(weights, training, said):
    assert said in model_card(replace(FACTS, weights=weights, training=training), COUNTS)


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "a|b", "[x](javascript:1)", "# x", "**b**", "a\nb", "`"])
def test_a_class_name_stays_text(name):
    card = model_card(replace(FACTS, class_names=[name, "dog"]), COUNTS)
    html = MarkdownIt("commonmark").enable("table").render(card.split("---\n", 2)[2])
    assert not any(tag in html for tag in ("<script", "<a ", "<strong", "<em"))
    assert rendered(card)[4] == name.replace("\n", r"\n")


@given(st.lists(st.text(min_size=1), min_size=2, max_size=4, unique=True))
def test_every_class_has_its_row(names):
    card = model_card(replace(FACTS, class_names=names), {"train": dict.fromkeys(names, 3)})
    assert rendered(card)[4 : 4 + 2 * len(names) : 2] != []
    assert rendered(card)[5 : 5 + 2 * len(names) : 2] == ["3"] * len(names)


def test_the_same_facts_give_the_same_file(tmp_path):
    for name in ("one.md", "other.md"):
        write_model_card(tmp_path / name, FACTS, COUNTS)
    assert (tmp_path / "one.md").read_bytes() == (tmp_path / "other.md").read_bytes()
