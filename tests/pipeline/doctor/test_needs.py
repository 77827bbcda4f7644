"""What pods will ask for is read from the compiled YAML and the run's parameters."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from components.step.errors import UsageError
from pipeline.compilation import compile_pipeline
from pipeline.compiled import load_pipeline
from pipeline.destination import Destination
from pipeline.doctor.needs import KeysOf, StepNeeds, read_needs

STEPS = ("extract", "split", "train", "test", "promote")
TOLERATION = {"key": "gpu", "operator": "Exists"}


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, StepNeeds]:
    """The needs of a pipeline compiled with all that `pawline compile` can say, on a GPU."""
    path = tmp_path_factory.mktemp("compiled") / "pawline.yaml"
    destination = Destination(
        image="registry.test/step:1",
        train_image="registry.test/train:1",
        pull_secrets=("puller", "other"),
        mlflow="https://mlflow.test",
        mlflow_secret="our-mlflow",
        ca_bundle="company/ca.crt",
        signing_secret="signing",
        trusted_key="signers",
        scratch="50Gi",
        storage_class="fast",
        labels={"team": "vision"},
        timeout_minutes=90,
    )
    compile_pipeline(path, destination)
    given = {"gpu_count": "2", "node_selector": {"gpu": "a100"}, "tolerations": [TOLERATION], "s3_secret": "ours"}
    defaults = {name: parameter.default for name, parameter in load_pipeline(path).parameters.items()}
    return {each.name: each for each in read_needs(path, STEPS, defaults | given)}


def test_images_resources_and_devices(steps: dict[str, StepNeeds]) -> None:
    train, split = steps["train"], steps["split"]
    assert (train.image, split.image) == ("registry.test/train:1", "registry.test/step:1")
    assert train.requests == {"cpu": "500m", "memory": "2Gi"}
    assert train.limits == {"cpu": "2", "memory": "8Gi", "nvidia.com/gpu": "2"}
    assert (split.requests, split.limits) == ({"cpu": "500m", "memory": "500Mi"}, {"cpu": "2", "memory": "4Gi"})


def test_secrets_volumes_and_certificates(steps: dict[str, StepNeeds]) -> None:
    train, split = steps["train"], steps["split"]
    found = [(secret.name, secret.optional) for secret in train.secrets]
    assert found == [("ours", True), ("our-mlflow", True), ("signing", False)]
    assert train.secrets[2].keys == {"PAWLINE_SIGNING_KEY": "signing.pem"}
    assert steps["promote"].config_maps[1:] == (KeysOf("signers", {"PAWLINE_TRUSTED_KEY": "signing.pub"}),)
    assert set(train.config_maps[0].keys.values()) == {"ca.crt"}
    assert train.secrets[0].keys["AWS_ENDPOINT_URL_S3"] == "AWS_S3_ENDPOINT"
    assert (train.scratch, split.scratch) == (("50Gi", "fast"), None)
    assert train.pull_secrets == ("puller", "other")
    assert [each.name for each in train.config_maps] == ["company"]
    assert train.environment["AWS_CA_BUNDLE"] == "/etc/pawline/ca/ca.crt"
    assert train.environment["MLFLOW_TRACKING_URI"] == "https://mlflow.test"


def test_where_a_pod_may_be_and_as_whom(steps: dict[str, StepNeeds]) -> None:
    train, split = steps["train"], steps["split"]
    assert (train.node_selector, train.tolerations) == ({"gpu": "a100"}, [TOLERATION])
    assert (split.node_selector, split.tolerations) == ({}, [])
    assert all(step.non_root and step.deadline and step.labels["team"] == "vision" for step in steps.values())


def test_an_old_backends_yaml_says_less(tmp_path: Path) -> None:
    compile_pipeline(tmp_path / "pawline.yaml", Destination(old_backend=True))
    defaults = {name: each.default for name, each in load_pipeline(tmp_path / "pawline.yaml").parameters.items()}
    for step in read_needs(tmp_path / "pawline.yaml", STEPS, defaults):
        assert not step.non_root
        assert not any(secret.optional for secret in step.secrets)
        assert set(step.limits) == {"cpu", "memory"}  # gpu_count is "0": no device is wanted.


@pytest.mark.parametrize(
    "odd", ["[]", "3", "{platforms: []}", "{platforms: {kubernetes: {deploymentSpec: 1}}}", "a: [", ""]
)
def test_odd_settings_of_the_platform_are_refused_or_taken_for_none(tmp_path: Path, odd: str) -> None:
    compile_pipeline(tmp_path / "whole.yaml", Destination(image="registry.test/step:1"))
    spec = (tmp_path / "whole.yaml").read_text().partition("\n---\n")[0]
    (tmp_path / "odd.yaml").write_text(f"{spec}\n---\n{odd}\n")
    defaults = {name: value.default for name, value in load_pipeline(tmp_path / "whole.yaml").parameters.items()}
    with pytest.raises(UsageError, match="must be a compiled KFP YAML") if odd else nullcontext():
        read_needs(tmp_path / "odd.yaml", STEPS, defaults)
