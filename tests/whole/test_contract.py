"""The contract between the compiled pipeline and the steps' own parsers, checked from both sides, and by mutations."""

import argparse
import ast
import copy
import importlib
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.compilation import COMPILED_PIPELINE
from tests.support.patience import PATIENCE

ROOT = Path(__file__).parents[2]
VERBS = ("extract", "split", "train", "test", "promote")
PLACEHOLDER = re.compile(r"\{\{\$\.(inputs|outputs)\.(parameters|artifacts)\['(\w+)'\](?:\.path)?\}\}")
EXAMPLES = {"STRING": "text", "NUMBER_INTEGER": "3", "NUMBER_DOUBLE": "0.25", "BOOLEAN": "true"}
# Where the pipeline's run form needs another name than the step's flag.
RENAMED = {("split", "method"): "split_method"}
# What the backend's driver fills in.
DRIVEN = {("promote", "run"): "{{$.pipeline_job_uuid}}"}
Spec = dict[str, Any]


def committed_spec() -> Spec:
    spec: Spec = next(yaml.safe_load_all(COMPILED_PIPELINE.read_text(encoding="utf-8")))
    return spec


def parser_of(verb: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = importlib.import_module(f"components.{verb}.step").build_parser()
    return parser


def container(spec: Spec, verb: str) -> dict[str, Any]:
    found: dict[str, Any] = spec["deploymentSpec"]["executors"][f"exec-{verb}"]["container"]
    return found


def task(spec: Spec, verb: str) -> dict[str, Any]:
    found: dict[str, Any] = spec["root"]["dag"]["tasks"][verb]
    return found


def pairs(spec: Spec, verb: str) -> dict[str, str]:
    args = container(spec, verb)["args"]
    assert len(args) % 2 == 0, f"{verb}: a flag without value, or a value without flag"
    return dict(zip(args[::2], args[1::2], strict=True))


def check_command(spec: Spec, verb: str) -> None:
    """The step is run as a module of components, with exactly the flags its parser knows."""
    assert container(spec, verb)["command"] == ["python", "-m", f"components.{verb}"]
    known = {action.option_strings[-1] for action in parser_of(verb)._actions} - {"--help"}
    assert set(pairs(spec, verb)) == known


def check_arguments_parse(spec: Spec, verb: str) -> None:
    """With values of the declared types in place of the placeholders, the parser accepts the command."""
    kinds = spec["components"][f"comp-{verb}"]["inputDefinitions"].get("parameters", {})

    def value(match: re.Match[str]) -> str:
        side, kind, name = match.groups()
        return EXAMPLES[kinds[name]["parameterType"]] if (side, kind) == ("inputs", "parameters") else f"/x/{name}"

    args = [PLACEHOLDER.sub(value, word) for word in container(spec, verb)["args"][:-2]]
    assert not [word for word in args if "{{" in word], "a placeholder of unknown form"
    # Choices are checked by argparse too; a default is always among them.
    for position, flag in enumerate(args[::2]):
        args[2 * position + 1] = allowed(parser_of(verb), flag, args[2 * position + 1])
    try:
        parser_of(verb).parse_args([*args, "--executor-input", "{}"])
    except SystemExit as error:
        raise AssertionError(f"{verb} refuses {args}") from error


def allowed(parser: argparse.ArgumentParser, flag: str, value: str) -> str:
    choices = next((action.choices for action in parser._actions if flag in action.option_strings), None)
    return str(next(iter(choices))) if choices else value


def check_names(spec: Spec, verb: str) -> None:
    """Behind `--some-flag` is the input or output `some_flag`, and nothing else."""
    for flag, value in pairs(spec, verb).items():
        if flag == "--executor-input":
            assert value == "{{$}}"
            continue
        match = PLACEHOLDER.fullmatch(value)
        assert match, f"{verb} {flag}: {value}"
        assert flag == "--" + match.group(3).replace("_", "-")


def check_wiring(spec: Spec, verb: str) -> None:
    """An artifact has one name from its producer to its consumer; a parameter has the pipeline's, or its producer's."""
    inputs = task(spec, verb)["inputs"]
    for name, source in inputs.get("artifacts", {}).items():
        assert source["taskOutputArtifact"]["outputArtifactKey"] == name
    for name, source in inputs["parameters"].items():
        if (verb, name) in DRIVEN:
            assert source["runtimeValue"]["constant"] == DRIVEN[verb, name]
        elif name in spec["components"][f"comp-{verb}"]["inputDefinitions"]["parameters"]:
            given = source.get("componentInputParameter") or source["taskOutputParameter"]["outputParameterKey"]
            assert given == RENAMED.get((verb, name), name)


def check_defaults(spec: Spec, verb: str) -> None:
    """Where the parser has a default, the pipeline's parameter has the same one."""
    declared = spec["root"]["inputDefinitions"]["parameters"]
    outputs = spec["components"][f"comp-{verb}"]["outputDefinitions"]["artifacts"]
    artifacts = {*outputs, *task(spec, verb)["inputs"].get("artifacts", {})}
    for action in parser_of(verb)._actions:
        if action.required or action.dest in ("help", "executor_input", *artifacts) or (verb, action.dest) in DRIVEN:
            continue
        source = task(spec, verb)["inputs"]["parameters"][action.dest]
        default = declared[source["componentInputParameter"]].get("defaultValue")
        assert default == action.default, f"{verb} --{action.dest}: {default} and {action.default}"


def check_train_never_sees_the_test_table(spec: Spec, verb: str) -> None:
    """Only test and promote take `test_samples`."""
    sources = [source["taskOutputArtifact"] for source in task(spec, verb)["inputs"].get("artifacts", {}).values()]
    takes = any(source["outputArtifactKey"] == "test_samples" for source in sources)
    assert takes == (verb in ("test", "promote"))


CHECKS: tuple[Callable[[Spec, str], None], ...] = (
    check_command,
    check_arguments_parse,
    check_names,
    check_wiring,
    check_defaults,
    check_train_never_sees_the_test_table,
)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_compiled_pipeline_keeps_the_contract(check: Callable[[Spec, str], None], verb: str) -> None:
    check(committed_spec(), verb)


def rename_a_flag(spec: Spec) -> None:
    _replace(container(spec, "train")["args"], "--learning-rate", "--learningrate")


def drop_a_flag(spec: Spec) -> None:
    args = container(spec, "split")["args"]
    position = args.index("--seed")
    del args[position : position + 2]


def drop_a_value(spec: Spec) -> None:
    args = container(spec, "test")["args"]
    del args[args.index("--bundle") + 1]


def swap_two_outputs(spec: Spec) -> None:
    args = container(spec, "split")["args"]
    one, other = args.index("--train-samples") + 1, args.index("--test-samples") + 1
    args[one], args[other] = args[other], args[one]


def swap_two_artifacts_in_the_graph(spec: Spec) -> None:
    artifacts = task(spec, "train")["inputs"]["artifacts"]
    one, other = artifacts["train_samples"], artifacts["validation_samples"]
    artifacts["train_samples"], artifacts["validation_samples"] = other, one


def train_on_the_test_table(spec: Spec) -> None:
    artifact = task(spec, "train")["inputs"]["artifacts"]["validation_samples"]["taskOutputArtifact"]
    artifact["outputArtifactKey"] = "test_samples"


def swap_two_parameters_in_the_graph(spec: Spec) -> None:
    parameters = task(spec, "split")["inputs"]["parameters"]
    one, other = parameters["test_ratio"], parameters["validation_ratio"]
    parameters["test_ratio"], parameters["validation_ratio"] = other, one


def run_another_step(spec: Spec) -> None:
    container(spec, "test")["command"][-1] = "components.train"


def change_a_default(spec: Spec) -> None:
    spec["root"]["inputDefinitions"]["parameters"]["epochs"]["defaultValue"] = 31.0


def change_a_type(spec: Spec) -> None:
    spec["components"]["comp-train"]["inputDefinitions"]["parameters"]["epochs"]["parameterType"] = "STRING"


def forget_the_executor_input(spec: Spec) -> None:
    del container(spec, "extract")["args"][-2:]


def use_a_placeholder_that_no_backend_resolves(spec: Spec) -> None:
    _replace(
        container(spec, "train")["args"],
        "{{$.outputs.artifacts['bundle'].path}}",
        "{{$.outputs.artifacts['bundle'].name}}",
    )


def check_everything(spec: Spec) -> None:
    for check in CHECKS:
        for verb in VERBS:
            check(spec, verb)


MUTATIONS = (
    rename_a_flag,
    drop_a_flag,
    drop_a_value,
    swap_two_outputs,
    swap_two_artifacts_in_the_graph,
    train_on_the_test_table,
    swap_two_parameters_in_the_graph,
    run_another_step,
    change_a_default,
    change_a_type,
    forget_the_executor_input,
    use_a_placeholder_that_no_backend_resolves,
)


@pytest.mark.parametrize("mutate", MUTATIONS, ids=lambda mutate: mutate.__name__)
def test_a_mutation_of_the_pipeline_is_caught(mutate: Callable[[Spec], None]) -> None:
    spec = copy.deepcopy(committed_spec())
    mutate(spec)
    with pytest.raises(AssertionError):
        check_everything(spec)


def test_no_module_of_the_components_imports_kfp() -> None:
    importing = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "components").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if any(name.split(".")[0] in ("kfp", "pipeline") for name in imported_names(node))
    ]
    assert importing == []


def imported_names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [node.module or ""]
    return []


BLOCK_KFP = """
import importlib, pathlib, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("kfp", "pipeline"):
            raise ImportError(name + " is blocked")

sys.meta_path.insert(0, Blocked())
for path in sorted(pathlib.Path("components").rglob("*.py")):
    parts = path.with_suffix("").parts
    if parts[-1] != "__main__":
        importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
for verb in sys.argv[1:]:
    importlib.import_module(f"components.{verb}.step").build_parser().format_help()
"""


def test_every_module_of_the_components_works_where_kfp_is_not_importable() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCK_KFP, *VERBS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_running_a_pipeline_does_not_import_kfp() -> None:
    code = "import sys, pipeline.cli; sys.exit(any(name.split('.')[0] == 'kfp' for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=PATIENCE, check=False).returncode == 0


def _replace(args: list[str], old: str, new: str) -> None:
    args[args.index(old)] = new
