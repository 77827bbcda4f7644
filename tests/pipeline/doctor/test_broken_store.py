"""doctor names what is wrong with a store, and nothing else, against a server as strict as real ones."""

from pipeline.doctor.needs import KeysOf
from tests.support.broken import Broken, cases, check_named
from tests.support.doctors_world import HERE, World

PAGE = b"<!doctype html><html><body>Please log in</body></html>"


def old_session(world: World) -> None:
    world.store.expired_session = "old-session"
    keys = {name: name for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")}
    keys |= {"AWS_ENDPOINT_URL_S3": "AWS_S3_ENDPOINT"}
    world.wants("extract", secrets=(KeysOf("pawline-s3", keys, optional=True),))
    world.has_keys(AWS_SESSION_TOKEN="old-session")


def inside(world: World, service: str) -> None:
    world.has_keys(AWS_S3_ENDPOINT=f"http://{service}:9000")
    world.lacks(f"{HERE}/services/{service}")


def other_port(world: World) -> None:
    inside(world, "no-store")
    metadata = {"name": "no-store", "namespace": "kubeflow"}
    world.answers(f"{HERE}/services/no-store", {"metadata": metadata, "spec": {"ports": [{"port": 9001}]}})


def no_pods(world: World) -> None:
    inside(world, "no-pods")
    metadata = {"name": "no-pods", "namespace": "kubeflow"}
    world.answers(f"{HERE}/services/no-pods", {"metadata": metadata, "spec": {"ports": [{"port": 9000}]}})
    world.answers(f"{HERE}/endpoints/no-pods", {"subsets": []})


BROKEN = {
    "wrong key": Broken(
        lambda world: world.has_keys(AWS_ACCESS_KEY_ID="AKIAOTHER"),
        ("store keys",),
        "wrong key: the store does not know the access key of secret pawline-s3",
    ),
    "wrong secret key": Broken(
        lambda world: world.has_keys(AWS_SECRET_ACCESS_KEY="another-secret-key"),
        ("store keys",),
        "wrong key: the secret key of secret pawline-s3 does not belong to its access key",
    ),
    "wrong region": Broken(
        lambda world: setattr(world.store, "region", "eu-west-1"),
        ("store region",),
        "wrong region: the bucket is in eu-west-1, AWS_DEFAULT_REGION of secret pawline-s3 is us-east-1",
    ),
    "no region": Broken(
        lambda world: world.has_keys(AWS_DEFAULT_REGION="eu west"), ("store region",), "no region's name"
    ),
    "clock skew": Broken(
        lambda world: setattr(world.store, "skew", 1200.0), ("clock",), "clock skew: the store's clock is 20 minutes"
    ),
    "missing bucket": Broken(
        lambda world: setattr(world.store, "bucket", "other"), ("store bucket",), "there is no bucket pawline"
    ),
    "expired session": Broken(old_session, ("store keys",), "expired token: the session of secret pawline-s3"),
    "no put right": Broken(
        lambda world: setattr(world.store, "forbidden", ("PUT",)),
        ("store rights",),
        "the keys of secret pawline-s3 may not put objects below s3://pawline/datasets",
    ),
    "no list right": Broken(
        lambda world: setattr(world.store, "forbidden", ("GET",)), ("store rights",), "may not list s3://pawline"
    ),
    "a console's page": Broken(lambda world: setattr(world.store, "page", PAGE), ("store",), "a page instead of XML"),
    "bucket in the host": Broken(
        lambda world: world.has_keys(AWS_S3_ENDPOINT="http://pawline.s3.invalid"),
        ("store address",),
        "wrong path style: the bucket pawline stands in",
    ),
    "bucket in the path": Broken(
        lambda world: world.has_keys(AWS_S3_ENDPOINT=f"{world.store.url}/pawline"),
        ("store address",),
        "wrong path style: the store's address has more than host and port",
    ),
    "unknown name": Broken(
        lambda world: world.has_keys(AWS_S3_ENDPOINT="http://store.invalid:9000"),
        ("store",),
        "the name store.invalid is not known (DNS)",
    ),
    "closed port": Broken(
        lambda world: world.has_keys(AWS_S3_ENDPOINT="http://127.0.0.1:9"), ("store",), "nothing listens at 127.0.0.1:9"
    ),
    "no scheme": Broken(lambda world: world.has_keys(AWS_S3_ENDPOINT="minio:9000"), ("store",), "is no http(s) URL"),
    "TLS where none is": Broken(
        lambda world: world.has_keys(AWS_S3_ENDPOINT=world.store.url.replace("http", "https")),
        ("store",),
        "does not speak TLS",
    ),
    "no images": Broken(
        lambda world: world.store.objects.pop("images/a.png"), ("store (images_uri)",), "nothing lies at s3://pawline/"
    ),
    "no such service": Broken(
        lambda world: inside(world, "no-store"), ("store",), "there is no Service no-store in kubeflow"
    ),
    "a service's other port": Broken(other_port, ("store",), "Service no-store in kubeflow has no port 9000, but 9001"),
    "a service without pods": Broken(no_pods, ("store",), "Service no-pods in kubeflow has no pod behind it"),
    "a path of this machine": Broken(
        lambda world: world.parameters.update(images_uri="photos"),
        ("store (images_uri)",),
        "pods do not see this machine's files",
    ),
}


@cases(BROKEN)
def test_the_cause_is_named_and_no_other(world: World, broken: Broken) -> None:
    check_named(world, broken)


def test_what_cannot_be_deleted_is_noted_only(world: World) -> None:
    world.store.forbidden = ("DELETE",)
    states = {found.subject: found for found in world.examine() if found.state != "well"}
    assert [(found.state, found.subject) for found in states.values()] == [("note", "store (dataset_store)")]
    assert "not deleted from" in states["store (dataset_store)"].sentence
