"""Groups: what the pattern names, and that identical images never part."""

import time
import tracemalloc
from collections import defaultdict

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from components.dataset.samples import Sample
from components.extract import groups
from components.extract.groups import alone, compile_group_pattern, groups_of, join_identical
from components.step.errors import UsageError

REGEX_LIKE = st.text(st.sampled_from("()[]{}<>?P:=!.*+|\\^$,-0129abLuimsx\n #"), max_size=20)


def sample(name: str, group: str, content: str) -> Sample:
    return Sample(name, "cat", group, content, 1, 1)


@pytest.mark.parametrize(
    ("pattern", "name", "group"),
    [
        (r"(?P<document>.+)_page", "report_page3_index1.png", "report"),
        (r"(?P<document>.+)_page(\d+)", "report_page3.png", "report"),
        (r"(\d+)/(?P<document>[^/]+)/(\d+)", "12/report/3.png", "report"),
        (r"(?P<document>a(b)c)", "xabcx.png", "abc"),
        (r"(?P<document>.+)_page", "portrait.png", "portrait.png"),
        (r"(?P<document>x)?\.png", "portrait.png", "portrait.png"),
        (r"(?P<document>.*)_page", "_page1.png", "_page1.png"),
        (r"^(?P<dossier>[^/]+)/", "📁/a.png", "📁"),
        ("", "portrait.png", "portrait.png"),
    ],
)
def test_the_named_group_gives_the_group_and_else_the_name_itself(pattern: str, name: str, group: str) -> None:
    assert groups_of([name, "-"], compile_group_pattern(pattern)) == [group, "-"]


@pytest.mark.parametrize(
    "pattern",
    [
        *("(", "(?P<a", "(?P<a>x)(?P<a>y)", "[z-a]", "*", "(?P=a)", "\\", "(?P<1>x)", "x" * 5000 + "("),
        *(".+_page", "(.+)_page", "(?P<a>x)(?P<b>y)"),
        *("(?P<a>x){99999999999999999999}", "(?L)(?P<a>x)", "(" * 5000 + ")" * 5000, "(?P<a>x)(?i)", "\n(?P<a>"),
        f"(?P={'n' * 5000})",
    ],
    ids=lambda pattern: pattern[:20],
)
def test_patterns_without_exactly_one_named_group_are_bad_usage(pattern: str) -> None:
    with pytest.raises(UsageError, match="one named group") as caught:
        compile_group_pattern(pattern)
    assert caught.value.exit_code == 2
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@settings(max_examples=25, deadline=None)  # Each is a process.
@given(REGEX_LIKE, st.text(max_size=20))
@example("(?P<a>)", "x")
@example("(?P<a>(?P<b>x))", "x")
def test_any_pattern_groups_any_name_or_is_refused_in_one_line(pattern: str, name: str) -> None:
    message = ""
    try:
        assert all(groups_of([name or "x"], compile_group_pattern(pattern)))
    except UsageError as error:
        message = str(error)
    assert message == "" or message.isprintable()


@pytest.mark.parametrize(
    "pattern", ["(?P<a>(a+)+)_page", "(?P<a>(x?y?a*)*)b", "(?P<a>(a|aa)+)$", r"(?P<a>(\w+\s?)*)\\Z"]
)
def test_a_pattern_that_would_take_for_ever_is_bad_usage(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "MATCHING_SECONDS", 1)
    with pytest.raises(UsageError, match="within 1 s") as caught:
        groups_of(["x", "a" * 60 + "!/!"], compile_group_pattern(pattern))
    assert str(caught.value).isprintable()


def test_groups_written_in_two_unicode_forms_are_one() -> None:
    samples = [sample("1", "e\u0301", "x"), sample("2", "\u00e9", "y"), sample("3", "e", "z")]
    assert [s.group for s in join_identical(samples)] == ["e\u0301", "e\u0301", "e"]
    assert [s.group for s in join_identical(samples[1:])] == ["\u00e9", "e"]


def test_identical_images_share_the_first_of_their_groups() -> None:
    samples = [
        sample("a", "doc 2", "x"),
        sample("b", "doc 1", "x"),
        sample("c", "doc 1", "y"),
        sample("d", "doc 3", "z"),
    ]
    assert [s.group for s in join_identical(samples)] == ["doc 1", "doc 1", "doc 1", "doc 3"]


def test_joins_reach_through_other_groups() -> None:
    samples = [
        sample("a", "1", "x"),
        sample("b", "2", "x"),
        sample("c", "2", "y"),
        sample("d", "3", "y"),
        sample("e", "4", ""),
    ]
    assert [s.group for s in join_identical(samples)] == ["1", "1", "1", "1", "4"]


def test_nothing_but_the_group_changes() -> None:
    samples = [Sample("a", "cat", "g", "x", 3, 4), Sample("b", "dog", "h", "y", 5, 6)]
    assert join_identical(samples) == samples
    assert join_identical([]) == []


SAMPLES = st.lists(st.tuples(st.sampled_from("123456"), st.sampled_from("uvwxyz")), max_size=12).map(
    lambda pairs: [sample(f"{index:02}", group, content) for index, (group, content) in enumerate(pairs)]
)


def components_by_flooding(samples: list[Sample]) -> dict[str, str]:
    """Return each old group's component, named by its smallest member: another algorithm to compare with."""
    names = {s.group: s.group for s in samples}
    for _ in samples:
        least: dict[str, str] = defaultdict(lambda: "~")
        for s in samples:
            least[s.sha256] = min(least[s.sha256], names[s.group])
        for s in samples:
            names[s.group] = min(names[s.group], least[s.sha256])
    return names


@given(SAMPLES.flatmap(lambda samples: st.tuples(st.just(samples), st.permutations(samples))))
def test_groups_are_the_connected_ones_in_any_order(pair: tuple[list[Sample], list[Sample]]) -> None:
    samples, shuffled = pair
    names = components_by_flooding(samples)
    joined = {s.sample_id: s.group for s in join_identical(samples)}
    assert joined == {s.sample_id: names[s.group] for s in samples}
    assert joined == {s.sample_id: s.group for s in join_identical(shuffled)}


@pytest.mark.parametrize("direction", [1, -1], ids=["rising", "falling"])
def test_a_chain_of_100_000_joins_takes_linear_time(direction: int) -> None:
    count = 100_000
    # Copies chain each group to the next: 0-1, 1-2, 2-3, ...
    chain = [sample(f"{i}{side}", f"{i + side:06}", f"{i}") for i in range(count) for side in (0, 1)]
    tracemalloc.start()
    started = time.process_time()
    joined = join_identical(chain[::direction])
    seconds, (_, peak) = time.process_time() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert {s.group for s in joined} == {"000000"}
    assert seconds < 20, "a quadratic search would take hours"
    assert peak < 200 << 20


def test_names_without_a_group_are_named_and_a_pattern_that_finds_none_is_refused() -> None:
    assert alone({"a_page1.png": "a", "b.png": "b.png"})[0].endswith("each a group of its own: b.png (1 in all).")
    assert alone({"a_page1.png": "a"}) == alone({}) == []
    with pytest.raises(UsageError, match=r"^group_pattern must match names\. Received: no group in a\.png"):
        alone({"a.png": "a.png"})
