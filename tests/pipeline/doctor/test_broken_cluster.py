"""doctor names what is wrong in Kubernetes, and nothing else; without rights it says what it did not check."""

from typing import Any

from pipeline.doctor.needs import KeysOf
from tests.support.broken import Broken, cases, check_named
from tests.support.doctors_world import HERE, MANIFESTS, REVIEWS, V1, V2, World, node
from tests.support.kfp_server import Request, recorded

GPUS = {"nvidia.com/gpu": "2"}
TAINT = {"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}


def on_nodes(world: World, *nodes: dict[str, Any]) -> None:
    """Let train want a GPU of the kind a100, where there are these nodes and one without GPU."""
    world.wants("train", limits={"cpu": "2", "memory": "8Gi", "nvidia.com/gpu": "1"}, node_selector={"gpu": "a100"})
    world.has_nodes(node(), *nodes)


def old_backend(world: World) -> None:
    health = {name: value for name, value in recorded("healthz")[1].items() if name != "pipeline_store"}
    world.answers(f"{V2}/healthz", health)


def restricted(world: World, level: str = "restricted") -> None:
    labels = {"pod-security.kubernetes.io/enforce": level}
    world.answers(HERE, {"metadata": {"name": "kubeflow", "labels": labels}})


def of_root(world: World) -> None:
    restricted(world)
    world.wants(non_root=False)
    message = 'pods "p" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true'
    world.answers(f"{HERE}/pods", {"message": message}, "POST", 403)


def quota(world: World, hard: str, used: str, **spec: Any) -> None:
    status = {"hard": {"requests.cpu": hard}, "used": {"requests.cpu": used}}
    world.items(f"{HERE}/resourcequotas", {"metadata": {"name": "team"}, "spec": spec, "status": status})


def limit_range(world: World, **rule: Any) -> None:
    world.items(f"{HERE}/limitranges", {"metadata": {"name": "team"}, "spec": {"limits": [rule]}})


def refused(world: World) -> None:
    def review(request: Request) -> tuple[int, Any]:
        account = "system:serviceaccount:kubeflow:pipeline-runner"
        return 201, {"status": {"allowed": request.headers.get("Impersonate-User") != account}}

    world.cluster.routes["POST", REVIEWS] = review


BROKEN = {
    "Kubernetes' login page": Broken(
        lambda world: world.cluster.routes.update({("GET", HERE): (200, b"<html>Please log in</html>")}),
        ("Kubernetes",),
        "answers 200 <html>Please log in</html> instead of its namespace kubeflow",
    ),
    "Kubernetes ill": Broken(
        lambda world: world.answers(HERE, {"message": "etcd is away"}, status=500),
        ("Kubernetes",),
        "answers 500 etcd is away instead of its namespace kubeflow",
    ),
    "wrong namespace": Broken(lambda world: world.lacks(HERE), ("namespace",), "there is no namespace kubeflow"),
    "missing service account": Broken(
        lambda world: world.lacks(f"{HERE}/serviceaccounts/pipeline-runner"),
        ("service account",),
        "there is no service account pipeline-runner in kubeflow",
    ),
    "missing secret": Broken(
        lambda world: world.lacks(f"{HERE}/secrets/pawline-s3"), ("secret pawline-s3",), "it is not in kubeflow"
    ),
    "missing key": Broken(
        lambda world: world.has_keys(AWS_SECRET_ACCESS_KEY=None, secretkey="x"),
        ("secret pawline-s3",),
        "it has no AWS_SECRET_ACCESS_KEY; other keys in it: secretkey",
    ),
    "empty key": Broken(
        lambda world: world.has_keys(AWS_ACCESS_KEY_ID=""), ("secret pawline-s3",), "it has no AWS_ACCESS_KEY_ID"
    ),
    "key with a line end": Broken(
        lambda world: world.has_keys(AWS_DEFAULT_REGION="us-east-1\n"),
        ("secret pawline-s3",),
        "AWS_DEFAULT_REGION begins or ends with",
    ),
    "no right for runs": Broken(refused, ("rights of runs",), "may not create workflowtaskresults"),
    "no GPU node": Broken(
        lambda world: on_nodes(world, node("gpu-1", {"gpu": "a100"})),
        ("nodes (train)",),
        "no GPU node: none of those with its labels offers 1 nvidia.com/gpu",
    ),
    "no labelled node": Broken(
        lambda world: on_nodes(world, node("gpu-1", {"gpu": "t4"}, **GPUS)),
        ("nodes (train)",),
        'no node has the labels of node_selector {"gpu": "a100"}; nodes have gpu=t4',
    ),
    "node not ready": Broken(
        lambda world: on_nodes(world, node("gpu-1", {"gpu": "a100"}, **GPUS) | {"status": {}}),
        ("nodes (train)",),
        "none of 1 that have its labels is ready: gpu-1",
    ),
    "no nodes": Broken(
        lambda world: world.has_nodes(), ("nodes (extract, split, train, test, promote)",), "there are none"
    ),
    "tainted node": Broken(
        lambda world: on_nodes(world, node("gpu-1", {"gpu": "a100"}, [TAINT], **GPUS)),
        ("nodes (train)",),
        "tainted: gpu-1 would do, and its taint nvidia.com/gpu=true:NoSchedule is not tolerated",
    ),
    "small nodes": Broken(
        lambda world: world.has_nodes(node(memory="1Gi")),
        ("nodes (train, test)",),
        "none is large enough for cpu 500m, memory 2Gi; the most is cpu 8, memory 1Gi",
    ),
    "quota exceeded": Broken(
        lambda world: quota(world, "4", "3800m"),
        ("quota team",),
        "quota exceeded: it allows requests.cpu 4, of which 3800m is in use; step extract needs 0.5",
    ),
    "quota too small": Broken(
        lambda world: quota(world, "200m", "0"), ("quota team",), "it allows requests.cpu 200m in all"
    ),
    "limit range": Broken(
        lambda world: limit_range(world, type="Container", max={"memory": "4Gi"}),
        ("limit range",),
        "team: a Container has at most memory 4Gi; step extract has 8Gi",
    ),
    "limit range's least": Broken(
        lambda world: limit_range(world, type="Pod", min={"cpu": "1"}), ("limit range",), "requests at least cpu 1"
    ),
    "limit range's ratio": Broken(
        lambda world: limit_range(world, type="Container", maxLimitRequestRatio={"cpu": "2"}),
        ("limit range",),
        "a limit of cpu is at most 2 times its request",
    ),
    "image not pullable": Broken(
        lambda world: world.answers(MANIFESTS.format(name="train"), {}, "HEAD", 404),
        ("image",),
        "not pullable: its registry has no such image or tag",
    ),
    "image refused": Broken(
        lambda world: world.answers(MANIFESTS.format(name="train"), {}, "HEAD", 401),
        ("image",),
        "not pullable: its registry refuses it without a pull secret (401)",
    ),
    "placeholder": Broken(lambda world: world.wants(image="image.invalid/x:1"), ("image image.invalid/x:1",), "placeh"),
    "pod security": Broken(
        of_root,
        ("pod security", "admission (extract, split, train, test, promote)"),
        "the namespace enforces restricted, and the YAML does not say runAsNonRoot",
    ),
    "old backend": Broken(old_backend, ("KFP version",), "this old backend (KFP of the time of 2.5)"),
    "volume too small": Broken(
        lambda world: world.wants("extract", scratch=("100Mi", "")), ("scratch",), "the volume has 100Mi"
    ),
    "no storage class": Broken(
        lambda world: world.wants("extract", scratch=("1Gi", "slow")),
        ("storage class",),
        "there is no slow; there are: fast",
    ),
    "missing CA": Broken(
        lambda world: world.wants("extract", config_maps=(KeysOf("company"),)),
        ("ConfigMap company",),
        "it is not there, and every step waits for it",
    ),
    "missing pull secret": Broken(
        lambda world: world.wants("train", pull_secrets=("puller",)),
        ("secret puller",),
        "the pull secret is not there",
    ),
    "expired kubeconfig": Broken(
        lambda world: world.answers(HERE, {"message": "Unauthorized"}, status=401),
        ("Kubernetes",),
        "does not know this kubeconfig's token any more",
    ),
}


@cases(BROKEN)
def test_the_cause_is_named_and_no_other(world: World, broken: Broken) -> None:
    check_named(world, broken, without=("store",))


def test_without_rights_each_check_says_so_and_the_others_go_on(world: World) -> None:
    lists = (
        "resourcequotas",
        "limitranges",
        "events",
        "serviceaccounts",
        "secrets/pawline-s3",
        "secrets/pawline-mlflow",
    )
    world.forbids(HERE, f"{V1}/nodes", f"{V1}/pods", *(f"{HERE}/{name}" for name in lists))
    world.answers(f"{HERE}/pods", {"message": "pods is forbidden: User cannot create resource"}, "POST", 403)
    found = world.examine()
    assert not [each for each in found if each.state == "wrong"]
    unchecked = {each.subject: each.sentence for each in found if each.state == "unchecked"}
    assert all(sentence.startswith("not checked, because ") for sentence in unchecked.values())
    assert "may not read quotas (403" in unchecked["quota"]
    assert {each.subject for each in found if each.state == "well"} >= {"KFP", "Prometheus"}


def test_a_taint_that_is_tolerated_and_a_quota_of_other_pods_are_no_matter(world: World) -> None:
    on_nodes(world, node("gpu-1", {"gpu": "a100"}, [TAINT], **GPUS))
    world.wants("train", tolerations=[{"key": "nvidia.com/gpu", "operator": "Exists"}])
    quota(world, "0", "0", scopes=["BestEffort"])
    assert not [each for each in world.examine() if each.state != "well"]


def test_a_full_node_is_noted(world: World) -> None:
    spec = {"nodeName": "node-1", "containers": [{"resources": {"requests": {"cpu": "7800m"}}}]}
    world.items(f"{V1}/pods", {"spec": spec, "status": {"phase": "Running"}})
    [found] = [each for each in world.examine() if each.state != "well"]
    assert (found.state, "has no room now" in found.sentence) == ("note", True)
