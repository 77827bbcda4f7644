"""What the manifests tell the servers is what the servers know: settings, flags, paths, parameters, keys."""

import configparser
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow.cli
import mlflow.environment_variables
import pytest
import yaml

from components.serve.settings import Settings, settings_from
from pipeline.compilation import COMPILED_PIPELINE
from pipeline.compiled import load_pipeline
from pipeline.config import read_config
from pipeline.destination import Destination
from pipeline.placement import MLFLOW_KEYS, TRUSTED_FOLDER, TRUSTED_KEY
from tests.support.manifest_pods import pods
from tests.support.manifest_policies import SECRETS
from tests.support.manifests import (
    COMPONENTS,
    MANIFESTS,
    OVERLAYS,
    Document,
    of_kind,
    unique_documents,
    variants,
    walk,
)

README = (MANIFESTS / "README.md").read_text()


def everything() -> list[Document]:
    return variants()["openshift with everything"]


def container_of(maker: str) -> dict[str, Any]:
    return next(pod.containers[0] for pod in pods(everything()) if pod.maker == maker)


def environments() -> Iterator[dict[str, str]]:
    """Yield the plain variables of each container of ours and of each ConfigMap of settings."""
    for pod in (pod for documents in variants().values() for pod in pods(documents)):
        plain = {item["name"]: item["value"] for item in pod.containers[0].get("env", []) if "value" in item}
        # KServe writes the name of the InferenceService for it.
        yield {name: value.replace("{{.Name}}", "pawline") for name, value in plain.items()}
    for document in of_kind(unique_documents(), "ConfigMap"):
        yield document["data"]


def test_the_server_knows_its_settings():
    given = [settings_from(environment) for environment in environments()]
    assert {settings.model for settings in given} == {"", "models:/pawline@champion", "/mnt/models"}


def test_the_server_has_the_time_that_it_drains_for():
    server = next(pod for pod in pods(everything()) if pod.maker == "Deployment pawline-serve")
    before = int(server.containers[0]["lifecycle"]["preStop"]["exec"]["command"][1])
    assert server.spec["terminationGracePeriodSeconds"] > before + Settings().drain


def test_probes_and_metrics_ask_what_the_server_answers():
    source = "".join(path.read_text() for path in (Path(__file__).parents[2] / "components" / "serve").rglob("*.py"))
    asked = {
        value
        for maker in ("Deployment pawline-serve", "InferenceService pawline")
        for path, value in walk(container_of(maker))
        if path.endswith("httpGet.path")
    }
    assert asked == {"/v2/health/live", "/v2/health/ready"}
    assert all(f'"{path}"' in source for path in [*asked, "/metrics"])


def test_the_ingress_lets_through_what_the_server_takes():
    [ingress] = of_kind(variants()["kubernetes"], "Ingress")
    size = ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"]
    assert int(size.removesuffix("m")) << 20 == Settings().max_body_bytes


def test_mlflow_knows_its_flags_and_settings():
    known = {flag for option in mlflow.cli.server.params for flag in option.opts}
    given = {argument.partition("=")[0] for argument in container_of("Deployment pawline-mlflow")["args"]}
    assert given - known == set()
    variables = {item["name"] for item in container_of("Deployment pawline-mlflow")["env"]}
    assert {name for name in variables if name.startswith("MLFLOW_")} <= set(vars(mlflow.environment_variables))
    theirs, ours = configparser.ConfigParser(), configparser.ConfigParser()
    theirs.read(Path(mlflow.__file__).parent / "server" / "auth" / "basic_auth.ini")
    ours.read(MANIFESTS / "components" / "mlflow" / "basic_auth.ini")
    assert set(ours["mlflow"]) - set(theirs["mlflow"]) == set()
    # SQLAlchemy's default driver is another one in another version.
    assert ours["mlflow"]["database_uri"].startswith("postgresql+psycopg2://")
    assert f"--backend-store-uri={ours['mlflow']['database_uri']}" in container_of("Deployment pawline-mlflow")["args"]


def test_mlflow_answers_under_the_names_it_is_asked_by():
    from mlflow.server.security_utils import is_allowed_host_header

    flag = "--allowed-hosts="
    [argument] = [a for a in container_of("Deployment pawline-mlflow")["args"] if a.startswith(flag)]
    hosts = argument.removeprefix(flag).split(",")
    asked = ["pawline-mlflow:5000", "pawline-mlflow.pawline.svc:5000", "localhost:5000", "127.0.0.1:8000"]
    assert all(is_allowed_host_header(hosts, host) for host in asked)
    assert not is_allowed_host_header(hosts, "attacker.example.org")


@pytest.mark.parametrize("path", sorted((MANIFESTS / "gpu").iterdir()), ids=lambda path: path.stem)
def test_a_gpu_profile_is_a_configuration_of_a_run(path: Path):
    values = read_config(path, load_pipeline(COMPILED_PIPELINE).parameters)
    assert values
    for toleration in values["tolerations"]:
        assert set(toleration) <= {"key", "operator", "value", "effect", "tolerationSeconds"}
    assert all(isinstance(value, str) for value in values["node_selector"].values())


def test_secrets_are_templates_without_values():
    for name, secret in SECRETS.items():
        assert set(secret["stringData"].values()) == {""}
        assert "data" not in secret
        assert f"secrets/{name}.yaml" in README
    step = load_pipeline(COMPILED_PIPELINE)
    assert step.parameters["s3_secret"].default == "pawline-s3"
    compiled = COMPILED_PIPELINE.read_text()
    assert set(SECRETS["pawline-s3"]["stringData"]) == set(re.findall(r"secretKey: (AWS_\w+)", compiled))
    assert set(SECRETS[Destination().mlflow_secret]["stringData"]) == set(MLFLOW_KEYS)


def test_a_run_may_read_the_secret_and_the_settings_of_its_store():
    [role] = of_kind(everything(), "Role")
    readable = {name for rule in role["rules"] for name in rule.get("resourceNames", [])}
    [launcher] = [
        d
        for d in of_kind(variants()["kubernetes with everything"], "ConfigMap")
        if d["metadata"]["name"] == "kfp-launcher"
    ]
    [provider] = yaml.safe_load(launcher["data"]["providers"]).values()
    assert {"kfp-launcher", provider["default"]["credentials"]["secretRef"]["secretName"]} <= readable


def test_the_readme_names_every_image_and_every_part():
    images = {value for document in unique_documents() for path, value in walk(document) if path.endswith(".image")}
    assert set(re.findall(r"`(image\.invalid/[a-z-]+)`", README)) == images
    assert [part for part in COMPONENTS if f"`{part}`" not in README] == []
    assert [name for name in OVERLAYS if f"`{name}`" not in README] == []
    assert [path for path in re.findall(r"manifests/[\w./-]+", README) if not (MANIFESTS.parent / path).exists()] == []
    profiles = [path.name for path in (MANIFESTS / "gpu").iterdir()]
    assert [name for name in profiles if f"gpu/{name}" not in README] == []


def test_a_server_that_takes_signed_bundles_alone_has_its_key_or_does_not_start():
    for overlay in ("kubernetes", "openshift"):
        server = next(
            p for p in pods(variants()[f"{overlay} with everything"]) if p.maker == "Deployment pawline-serve"
        )
        [trusted] = [item["value"] for item in server.containers[0]["env"] if item["name"] == "PAWLINE_TRUSTED_KEY"]
        [mount] = [mount for mount in server.containers[0]["volumeMounts"] if trusted.startswith(mount["mountPath"])]
        [volume] = [volume for volume in server.spec["volumes"] if volume["name"] == mount["name"]]
        assert volume["configMap"] == {"name": "pawline-signers"}
        assert trusted == f"{TRUSTED_FOLDER}/{TRUSTED_KEY}"
