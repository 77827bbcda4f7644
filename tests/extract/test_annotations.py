"""Annotations by file: the latest of each annotator counts."""

from components.extract.annotations import Annotation, by_file


def test_by_file_is_sorted_and_keeps_the_latest_of_each_annotator() -> None:
    old, new = Annotation("b.png", "cat", "ann", 1), Annotation("b.png", "dog", "ann", 2)
    bob, first = Annotation("b.png", "cat", "bob", 1), Annotation("a.png", "cat")
    assert list(by_file([new, bob, old, first])) == [("a.png", [first]), ("b.png", [new, bob])]


def test_by_file_keeps_both_of_two_at_the_same_time_and_one_of_two_equal_ones() -> None:
    one, other = Annotation("a.png", "cat", "ann", 1), Annotation("a.png", "dog", "ann", 1)
    assert list(by_file([one, other, one])) == [("a.png", [one, other])]
