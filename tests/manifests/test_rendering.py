"""The manifests render: as they are, with each switch turned, with what a user uncomments; or say why they do not."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.manifest_policies import POLICIES
from tests.support.manifests import (
    COMPONENTS,
    MANIFESTS,
    OVERLAYS,
    kustomization,
    named,
    of_kind,
    render_text,
    switched_on,
    switches,
    variants,
    walk,
)

DIGEST = "sha256:" + "0123456789abcdef" * 4
RESOURCES = sorted(path for part in COMPONENTS for path in (MANIFESTS / "components" / part).iterdir())
EXAMPLES = re.compile(r"^# ((?:images|patches):|  .*)$", re.MULTILINE)


def uncommented(overlay: str) -> str:
    """Return the overlay's kustomization as a user has it who fills in all examples."""
    return EXAMPLES.sub(lambda line: line[1], kustomization(overlay)).replace("sha256:...", DIGEST)


def test_every_overlay_of_the_issue_is_there():
    assert OVERLAYS == ["kubernetes", "local", "openshift"]


@pytest.mark.parametrize(("overlay", "part"), [(name, part) for name in OVERLAYS for part in switches(name)])
def test_each_switch_can_be_turned_alone(overlay: str, part: str):
    documents = render_text(overlay, switched_on(kustomization(overlay), {part}))
    assert len(documents) >= len(variants()[overlay])
    assert [line for policy in POLICIES for line in policy(documents)] == []


@settings(max_examples=8, deadline=None)
@given(st.sets(st.sampled_from(switches("kubernetes"))))
def test_any_switches_go_together_but_two_stores(parts: set[str]):
    text = switched_on(kustomization("kubernetes"), parts - {"store-minio"})
    documents = render_text("kubernetes", text)
    assert [line for policy in POLICIES for line in policy(documents)] == []


def test_every_component_is_offered_somewhere():
    text = "".join(kustomization(overlay) for overlay in OVERLAYS) + (MANIFESTS / "base/kustomization.yaml").read_text()
    assert [
        part for part in COMPONENTS if f"components/{part}\n" not in text and f"components/{part} #" not in text
    ] == []


def test_two_stores_at_once_are_refused():
    text = switched_on(kustomization("kubernetes"), {"store-minio", "store-seaweedfs"})
    with pytest.raises(subprocess.CalledProcessError) as refused:
        render_text("kubernetes", text)
    assert "already registered id: StatefulSet" in refused.value.stderr


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_a_user_uncomments_takes_effect(overlay: str):
    documents = render_text(overlay, uncommented(overlay))
    text = yaml.safe_dump_all(documents, width=10_000)
    assert f"image: registry.example.org/pawline-serve@{DIGEST}" in text
    assert "image.invalid/pawline-serve" not in text
    # `local` has no examples but images.
    expected = {
        "kubernetes": ["pawline.my-company.com", "s3://models/my-bundle"],
        "openshift": ["s3.my-company.com", "s3://models/my-bundle"],
    }
    assert [word for word in expected.get(overlay, []) if word not in text] == []
    assert [line for policy in POLICIES for line in policy(documents)] == []


def test_images_are_replaced_in_custom_resources_too():
    name = "image.invalid/pawline-serve"
    images = f"images:\n  - {{name: {name}, newName: registry.example.org/serve, digest: '{DIGEST}'}}\n"
    part = "../../components/serve-kserve"
    documents = render_text("alone", f"namespace: pawline\ncomponents: [{part}]\n{images}")
    [runtime] = of_kind(documents, "ServingRuntime")
    assert runtime["spec"]["containers"][0]["image"] == f"registry.example.org/serve@{DIGEST}"


def test_the_namespace_follows_that_of_the_overlay():
    documents = render_text(
        "kubernetes", kustomization("kubernetes").replace("namespace: pawline", "namespace: vision")
    )
    assert [document["metadata"]["name"] for document in of_kind(documents, "Namespace")] == ["vision"]
    spaces = {document["metadata"].get("namespace") for document in documents if document["kind"] != "Namespace"}
    assert spaces == {"vision"}


def test_changed_settings_roll_the_server_out():
    operation = "- {op: add, path: /data/PAWLINE_SERVE_WATCH, value: '5'}"
    patch = f'patches: [{{target: {{kind: ConfigMap, name: pawline-serve}}, patch: "{operation}"}}]\n'
    changed = render_text("openshift", kustomization("openshift") + patch)
    before, after = [
        {named(document) for document in of_kind(documents, "ConfigMap")}
        for documents in (variants()["openshift"], changed)
    ]
    assert before != after
    [settings] = [d for d in of_kind(changed, "ConfigMap") if d["metadata"]["name"].startswith("pawline-serve")]
    assert settings["data"]["PAWLINE_SERVE_WATCH"] == "5"
    assert settings["data"]["PAWLINE_SERVE_MODEL"] == "models:/pawline@champion"


@pytest.mark.parametrize("path", RESOURCES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_is_one_resource_and_is_used(path: Path):
    folder = yaml.safe_load((path.parent / "kustomization.yaml").read_text())
    used = [*folder.get("resources", []), *(patch["path"] for patch in folder.get("patches", []))]
    used += [name for generator in folder.get("configMapGenerator", []) for name in generator.get("files", [])]
    assert path.name in [*used, "kustomization.yaml"]
    if path.name in folder.get("resources", []):
        [document] = yaml.safe_load_all(path.read_text())
        kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", document["kind"]).lower()
        assert document["metadata"].get("namespace") is None
        assert path.parent.name == "network" or kind in path.stem or document["metadata"]["name"] == path.stem


def test_a_small_cluster_has_room():
    requests = {
        value
        for document in variants()["local"]
        for path, value in walk(document)
        if path.endswith((".resources.requests.cpu", ".minReplicas"))
    }
    assert requests == {"50m", 1}
