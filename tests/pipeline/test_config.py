"""Parameters from a YAML file: read by the pipeline's types, refused in one line, written back the same."""

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.step.errors import UsageError
from pipeline.cli.main import main
from pipeline.compilation import COMPILED_PIPELINE
from pipeline.compiled import load_pipeline
from pipeline.config import LARGEST_BYTES, read_config, read_configs, write_config
from tests.support.fake_pipeline import DECLARED, FakeStep, fake_spec, write_fake


def read(folder: Path, content: str | bytes) -> dict[str, Any]:
    path = folder / "run.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_config(path, DECLARED)


def refusal(folder: Path, content: str | bytes) -> str:
    with pytest.raises(UsageError) as refused:
        read(folder, content)
    message = str(refused.value)
    assert "\n" not in message
    assert "run.yaml" in message
    return message


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("text: no", "no"),  # YAML 1.1: False
        ("text: 1e-3", "1e-3"),
        ("text: 010", "010"),  # 8
        ("text: 12:30:45", "12:30:45"),  # 45045
        ("text: 2024-01-05", "2024-01-05"),  # a date
        ("text: none", "none"),
        ("text: ''", ""),
        ('text: "null"', "null"),
        ("text: 8Gi # memory", "8Gi"),
        ("text: '(?P<page>.+)_p'", "(?P<page>.+)_p"),
        ("\ufefftext: ü", "ü"),
        ("count: 5", 5),
        ("count: 010", 10),
        ("rate: 1e-3", 0.001),  # YAML 1.1: text, for want of a point
        ("rate: 1", 1.0),
        ("flag: true", True),
        ("flag: False", False),
        ("labels: {gpu: a100, spot: no, old: true, size: 1e-3, n: 4, x: '4'}",
         {"gpu": "a100", "spot": "no", "old": True, "size": 0.001, "n": 4, "x": "4"}),
        ("tolerations:\n- key: gpu\n  operator: Exists\n- ~", [{"key": "gpu", "operator": "Exists"}, None]),
        ("labels: {<<: x}", {"<<": "x"}),
    ],
)  # fmt: skip
def test_a_value_has_the_type_that_the_pipeline_declares(tmp_path: Path, content: str, value: Any) -> None:
    [found] = read(tmp_path, content).values()
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("count: 1.5", "count must be an integer. Received: count='1.5' at"),
        ("text: a\ncount: many", "run.yaml, line 2. Correct it."),
        ("count: '5'", "count must be written without quotes"),
        ("count: [5]", "count must be a single value. Received: count=a list"),
        ("count:", "count must have a value"),
        ("text: ~", "text must have a value"),
        ("text: {a: b}", "text must be a single value. Received: text=a mapping"),
        ("rate: .nan", "rate must be a number"),
        ("rate: .inf", "rate must be a number"),
        ("rate: 1e999", "rate must be a number"),
        ("flag: yes", "flag must be true or false. Received: flag='yes'"),
        ("labels: []", "labels must be a mapping. Received: labels=a list"),
        ("labels: '{}'", "labels must be a mapping. Received: labels='{}'"),
        ("labels: {n: 1e999}", "which no number can hold"),
        ("tolerations: gpu", "tolerations must be a list. Received: tolerations='gpu'"),
        ("ratee: 1", "Received: 'ratee' at"),
        ("ratee: 1", "Did you mean rate? Legal: text, count"),
        ("count: 1\ncount: 2", "line 2: count twice"),
        ("labels: {a: 1, a: 2}", "a twice"),
        ("? [a]\n: 1", "a key that is no text"),
        ("", "nothing"),
        ("# all commented out\n", "nothing"),
        ("- count", "something else than"),
        ("count", "something else than"),
        ("count: 1\n---\ncount: 2", "line 2: but found another document"),
        ("text: &a x\n", "an anchor or alias"),
        ("labels: &a {x: *a}", "an anchor or alias"),
        ("text: !!python/object/apply:os.system [id]", "a tag"),
        ("count: !!int 3", "a tag"),
        ("text: ! x", "a tag"),
        ("text: {", "line 1"),
        ("text: a: b", "mapping values are not allowed"),
        ("\ttext: a", "line 1"),
        ("text: \x00", "special characters"),
        (b"text: \xff", "utf-8"),
        ("tolerations: " + "[" * 40_000, "more than 16 levels"),
        ("text: " + "x" * LARGEST_BYTES, "more than 65536 bytes"),
        ("count: " + "9" * 5000, "count must be an integer"),
    ],
)  # fmt: skip
def test_what_is_no_configuration_is_refused_in_one_line(tmp_path: Path, content: str | bytes, said: str) -> None:
    assert said in refusal(tmp_path, content)


def test_aliases_that_multiply_are_refused_before_they_are_followed(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}, *a{n - 1}]" for n in range(1, 40))]
    assert "line 1: an anchor or alias" in refusal(tmp_path, "\n".join(lines))


@pytest.mark.parametrize("name", ["absent.yaml", "."])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="--config must be a plain YAML file"):
        read_config(tmp_path / name, DECLARED)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
configurations = st.fixed_dictionaries(
    {
        "text": st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(["no", "~", "1e3", "---", "a: b"]),
        "count": st.integers(),
        "rate": st.floats(allow_nan=False, allow_infinity=False),
        "flag": st.booleans(),
        "labels": st.dictionaries(st.text("abc1~"), json_values, max_size=3),
        "tolerations": st.lists(json_values, max_size=3),
    }
)


@given(configurations)
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "config.yaml"
    write_config(path, values)
    found = read_config(path, DECLARED)
    assert json.dumps(found) == json.dumps(values)  # Also the types, and -0.0.


@given(st.text() | st.text("{}[]:,-?&*!|>%@`'\"# \n\tab1~<"))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    # Anything but a UsageError would fail here.
    with suppress(UsageError):
        assert read_config(path, DECLARED).keys() <= DECLARED.keys()


def test_the_pipelines_own_defaults_are_written_and_read_back(tmp_path: Path) -> None:
    declared = load_pipeline(COMPILED_PIPELINE).parameters
    defaults = {name: parameter.default for name, parameter in declared.items()}
    write_config(tmp_path / "config.yaml", defaults)
    assert read_config(tmp_path / "config.yaml", declared) == defaults
    assert 'weights: "imagenet"\n' in (tmp_path / "config.yaml").read_text()


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    step = FakeStep("talk", "import sys; print(*sys.argv[1:])", ("{{$.inputs.parameters['who']}}",), {"who": "who"})
    strings = ("dataset_store", "annotations_uri", "images_uri", "who")
    parameters = {name: ("STRING", f"default {name}") for name in strings} | {"count": ("NUMBER_INTEGER", 3)}
    return write_fake(tmp_path / "p.yaml", fake_spec(step, parameters=parameters))


def run(fake: Path, run_id: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    runs = fake.parent / "runs"
    code = main(["run", "--pipeline", str(fake), "--runs", str(runs), "--run-id", run_id, *arguments])
    record = runs / run_id / "run.json"
    return code, json.loads(record.read_text())["parameters"] if record.exists() else {}


def test_a_param_wins_over_the_file_and_the_file_over_the_default(fake: Path) -> None:
    config = fake.parent / "run.yaml"
    config.write_text("who: file\ncount: 4\n")
    code, values = run(fake, "a", "--config", str(config), "--param", "who=line")
    assert code == 0
    assert (values["who"], values["count"], values["images_uri"]) == ("line", 4, "default images_uri")
    assert values["dataset_store"] == str(fake.parent / "runs" / "datasets")


def test_a_runs_configuration_repeats_it(fake: Path) -> None:
    _, first = run(fake, "a", "--param", "who=1e3", "--param", "count=-7")
    code, again = run(fake, "b", "--config", str(fake.parent / "runs" / "a" / "config.yaml"))
    assert (code, again) == (0, first)
    texts = [(fake.parent / "runs" / name / "config.yaml").read_text() for name in "ab"]
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("content", "arguments", "said"),
    [
        ("whom: x", [], "Did you mean who?"),
        ("count: x", [], "count must be an integer"),
        ("images_uri: x", ["--sample"], "--sample brings its own images"),
    ],
)
def test_a_bad_file_is_one_line_and_nothing_is_written(
    fake: Path, capsys: pytest.CaptureFixture[str], content: str, arguments: list[str], said: str
) -> None:
    config = fake.parent / "run.yaml"
    config.write_text(content)
    assert run(fake, "a", "--config", str(config), *arguments) == (2, {})
    printed = capsys.readouterr().err
    assert said in printed
    assert (printed.count("\n"), printed.startswith("pawline: error: ")) == (1, True)
    assert not (fake.parent / "runs").exists()


def test_the_documents_examples_are_configurations(tmp_path: Path) -> None:
    document = Path(__file__).parents[2] / "docs" / "backbones.md"
    examples = re.findall(r"```yaml\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)
    read = []
    for example in examples:
        (tmp_path / "run.yaml").write_text(example)
        read.append(read_config(tmp_path / "run.yaml", load_pipeline(COMPILED_PIPELINE).parameters))
    assert [values["backbone"] for values in read] == ["small_cnn", "efficientnet_lite0"]
    assert [values["schedule"] for values in read] == ["cosine", "cosine"]
    assert (read[0]["learning_rate"], read[1]["fine_tune_epochs"]) == (0.002, 6)


def test_files_add_up_and_the_later_one_goes_before(tmp_path: Path) -> None:
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("text: one\ncount: 1\n")
    second.write_text("text: two\n")
    assert read_configs([], DECLARED) == {}
    assert read_configs([first, second], DECLARED) == {"text": "two", "count": 1}
    assert read_configs([second, first], DECLARED) == {"text": "one", "count": 1}
