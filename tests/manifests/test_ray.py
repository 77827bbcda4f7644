"""The Ray cluster of the manifests is the one that steps with engine=ray expect."""

import re
import tomllib

from components.parameters.engines import host_and_port
from pipeline.placement import S3_KEYS
from tests.support.manifest_pods import Pod, pods
from tests.support.manifests import MANIFESTS, ROOT, alone, of_kind, render_text


def ray_pods() -> list[Pod]:
    return pods(render_text("alone", alone("ray")))


def test_every_pod_has_the_keys_of_the_store_as_a_step_has_them():
    expected = {variable: {"name": "pawline-s3", "key": key, "optional": True} for key, variable in S3_KEYS.items()}
    for pod in ray_pods():
        [container] = pod.containers
        assert {v["name"]: v["valueFrom"]["secretKeyRef"] for v in container["env"]} == expected, pod.maker


def test_all_of_it_has_one_image_and_asks_for_a_token():
    assert {pod.containers[0]["image"] for pod in ray_pods()} == {"image.invalid/pawline-ray"}
    [cluster] = of_kind(render_text("alone", alone("ray")), "RayCluster")
    assert cluster["spec"]["authOptions"] == {"mode": "token"}


def test_the_address_that_it_is_given_with_is_that_of_its_head():
    text = (MANIFESTS / "components/ray/ray-cluster.yaml").read_text()
    host, port = host_and_port(re.search(r"ray_address=(\S+?)[. ]?\s", text)[1])
    [cluster] = of_kind(render_text("alone", alone("ray")), "RayCluster")
    assert host == f"{cluster['metadata']['name']}-head-svc"  # As KubeRay calls it.
    assert ray_pods()[0].port("client") == port


def test_it_is_of_the_version_that_the_image_has():
    [cluster] = of_kind(render_text("alone", alone("ray")), "RayCluster")
    locked = re.search(r"^ray==(\S+)", (ROOT / "requirements/ray.txt").read_text(), re.MULTILINE)[1]
    assert cluster["spec"]["rayVersion"] == locked
    [asked] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["ray"]
    assert asked.startswith("ray[client,data]>=")
