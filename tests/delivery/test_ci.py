"""The pipelines of ci/: by the schema of GitHub and actionlint, of Tekton by their references; all run make targets."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from delivery.locks import ROOT

WORKFLOW = ROOT / "ci" / "github" / "pawline.yml"
TEKTON = {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / "ci" / "tekton").glob("*.yaml")}
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
ORDER = ["test", "licences", "audit", "images", "sbom", "sign", "verify", "push", "compile-digests", "upload"]
ORDER += ["schedules", "rollout"]


def targets_of(words: list[str]) -> list[str]:
    return [word for word in words if "=" not in word]


def of_workflow() -> list[str]:
    steps = [step for job in yaml.safe_load(WORKFLOW.read_text())["jobs"].values() for step in job["steps"]]
    runs = [step["run"] for step in steps if str(step.get("run", "")).startswith("make ")]
    return [target for run in runs for target in targets_of(run.split()[1:])]


def tasks() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = TEKTON["pipeline"]["spec"]["tasks"]
    return found


def values(item: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each["value"] for each in item.get("params", [])}


def of_tekton() -> list[str]:
    return [target for task in tasks() for target in targets_of(values(task).get("targets", []))]


@pytest.mark.parametrize("found", [of_workflow, of_tekton])
def test_each_does_every_step_in_its_order(found):
    assert found() == ORDER
    assert set(ORDER) <= TARGETS


def test_the_table_names_the_same_targets():
    named = re.findall(r"`make ([a-z -]+)", (ROOT / "ci" / "README.md").read_text())
    assert [target for words in named for target in words.split()] == ORDER


def test_github_s_schema_takes_the_workflow():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(WORKFLOW)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_actionlint_takes_the_workflow():
    program = shutil.which("actionlint") or Path.home() / "go" / "bin" / "actionlint"
    if not Path(program).exists():
        pytest.skip("no actionlint")
    done = subprocess.run([str(program), "-no-color", str(WORKFLOW)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_secrets_go_into_files_and_never_into_a_command():
    for text in re.findall(r"run: (?:\|\n(?: {10}.*\n)+|.*)", WORKFLOW.read_text()):
        assert "${{" not in text
    assert not re.search(r"set -[a-z]*x|echo \"?\$(SIGNING|TOKEN|KUBE)", WORKFLOW.read_text())


def test_every_reference_of_tekton_leads_somewhere():
    task, pipeline, run = TEKTON["make"]["spec"], TEKTON["pipeline"]["spec"], TEKTON["pipeline-run"]["spec"]
    names = {each["name"] for each in tasks()}
    for each in tasks():
        assert set(each.get("runAfter", [])) <= names
        assert {one["workspace"] for one in each["workspaces"]} <= {one["name"] for one in pipeline["workspaces"]}
        if each["taskRef"].get("name"):
            assert each["taskRef"]["name"] == TEKTON["make"]["metadata"]["name"]
            assert values(each).keys() <= {one["name"] for one in task["params"]}
            assert {one["name"] for one in each["workspaces"]} <= {one["name"] for one in task["workspaces"]}
    used = set(re.findall(r"\$\(params\.([a-z-]+)", yaml.safe_dump(pipeline["tasks"])))
    assert used == {one["name"] for one in pipeline["params"]}
    required = {one["name"] for one in pipeline["params"] if "default" not in one}
    assert required <= values(run).keys() <= {one["name"] for one in pipeline["params"]}
    assert {one["name"] for one in run["workspaces"]} == {one["name"] for one in pipeline["workspaces"]}
    assert run["pipelineRef"]["name"] == TEKTON["pipeline"]["metadata"]["name"]


def test_the_script_of_the_task_is_shell_that_parses_and_gives_the_targets_to_make(tmp_path):
    script = tmp_path / "script.sh"
    script.write_text(TEKTON["make"]["spec"]["steps"][0]["script"])
    (tmp_path / "make").write_text('#!/bin/sh\necho "$PAWLINE_SIGNING_KEY" "$@"\n')
    (tmp_path / "make").chmod(0o755)
    (tmp_path / "signing.pem").touch()
    names = {name: str(tmp_path / "absent") for name in ("LOGIN", "CLUSTER", "KFP")}
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "SIGNING": str(tmp_path), **names}
    done = subprocess.run(
        ["/bin/sh", script, "push", "A=b c"], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout == f"{tmp_path}/signing.pem push A=b c\n"
