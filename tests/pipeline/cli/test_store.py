"""`pawline store init`, against moto's S3, alone and behind a MinIO's admin API, and a Kubernetes API."""

import base64
import json
import stat
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from components.parameters.places import CHECKPOINTS
from components.step.errors import ServiceError
from components.storage.s3 import s3_client
from components.storage.s3_upload import PART_BYTES
from components.storage.stores import open_store, read_bytes
from pipeline.cli.main import main
from tests.support.kfp_server import FakeCluster, Request, fake_cluster, kubeconfig
from tests.support.minio_server import FakeMinio, User, fake_minio

SECRETS = "/api/v1/namespaces/kubeflow/secrets"
SECRET = f"{SECRETS}/pawline-s3"


@dataclass
class Store:
    """A name for a bucket of the test's own, and moto's S3 to look into it."""

    bucket: str
    s3: Any
    words: list[str] = field(default_factory=list)

    def init(self, *words: str) -> int:
        return main(["store", "init", *self.words, *words])

    def rules(self) -> dict[str, Any]:
        found = self.s3.get_bucket_lifecycle_configuration(Bucket=self.bucket)["Rules"]
        return {rule["ID"]: rule for rule in found}

    def versioning(self) -> str | None:
        return self.s3.get_bucket_versioning(Bucket=self.bucket).get("Status")


@pytest.fixture
def store(s3_environment: int, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.delenv("PAWLINE_PIPELINE_ROOT", raising=False)
    bucket = f"store-{uuid.uuid4().hex[:12]}"
    places = {"annotations_uri": "a.json", "images_uri": "images", "dataset_store": "datasets"}
    words = [word for name, path in places.items() for word in ("--param", f"{name}=s3://{bucket}/{path}")]
    return Store(bucket, boto3.client("s3", endpoint_url=f"http://127.0.0.1:{s3_environment}"), words)


@pytest.fixture
def minio(store: Store, s3_environment: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeMinio]:
    """A MinIO that the environment names, with its administrator's keys."""
    with fake_minio(s3_environment) as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", running.url)
        yield running


@dataclass
class Secret:
    """The secret pawline-s3 of a Kubernetes API: what is in it, None where there is none."""

    cluster: FakeCluster
    data: dict[str, str] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    def read(self, _: Request) -> tuple[int, Any]:
        if self.data is None:
            return 404, {"message": 'secrets "pawline-s3" not found', "reason": "NotFound", "code": 404}
        encoded = {name: base64.b64encode(value.encode()).decode() for name, value in self.data.items()}
        return 200, {"kind": "Secret", "data": encoded}

    def write(self, request: Request) -> tuple[int, Any]:
        if request.query.get("dryRun") != "All":
            self.data = {**(self.data or {}), **request.body["stringData"]}
            self.metadata = request.body.get("metadata", self.metadata)
        return 200, {}


@pytest.fixture
def secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Secret]:
    with fake_cluster() as cluster:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, cluster.url)))
        monkeypatch.delenv("PAWLINE_KFP_NAMESPACE", raising=False)
        found = Secret(cluster)
        cluster.routes |= {
            ("GET", SECRET): found.read,
            ("POST", SECRETS): found.write,
            ("PATCH", SECRET): found.write,
        }
        yield found


def said_of_failure(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what was said on standard error, which must be one line, and no traceback on any."""
    printed = capsys.readouterr()
    [line] = printed.err.splitlines()
    assert line.startswith("pawline: error: ")
    return line


def test_a_minio_is_made_ready_and_the_key_goes_to_the_secret_alone(
    store: Store, minio: FakeMinio, secret: Secret, capsys: pytest.CaptureFixture[str]
) -> None:
    assert store.init("--address", "http://pawline-store:9000") == 0
    printed = capsys.readouterr()
    assert store.versioning() == "Enabled"
    assert sorted(store.rules()) == ["pawline-checkpoints:datasets/checkpoints/", "pawline-old-versions:datasets/"]
    [(access, user)] = minio.users.items()
    assert user.policies == ["pawline-runs"]
    assert secret.data == {
        "AWS_ACCESS_KEY_ID": access,
        "AWS_SECRET_ACCESS_KEY": user.secret,
        "AWS_S3_ENDPOINT": "http://pawline-store:9000",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    assert secret.metadata["annotations"]["serving.kserve.io/s3-endpoint"] == "pawline-store:9000"
    assert user.secret not in printed.out + printed.err
    assert access not in printed.out + printed.err
    assert printed.out.startswith(f"MinIO at {minio.url}\n+ bucket {store.bucket}: new\n")


def test_a_second_time_nothing_changes(
    store: Store, minio: FakeMinio, secret: Secret, capsys: pytest.CaptureFixture[str]
) -> None:
    assert store.init("--address", "http://pawline-store:9000") == 0
    minio.requests.clear()
    secret.cluster.requests.clear()
    capsys.readouterr()
    assert store.init() == 0
    printed = capsys.readouterr().out
    assert minio.changes() == []
    assert {request.method for request in secret.cluster.requests} == {"GET"}
    assert printed.endswith("nothing to change\n")
    assert {line[0] for line in printed.splitlines()[1:-1]} == {"="}


def test_a_dry_run_says_the_same_and_changes_nothing(
    store: Store, minio: FakeMinio, secret: Secret, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--address", "http://pawline-store:9000")
    assert store.init(*words, "--dry-run") == 0
    shown = capsys.readouterr().out
    assert minio.changes() == []
    assert secret.data is None
    assert store.init(*words) == 0
    assert capsys.readouterr().out == shown


def test_what_others_have_put_into_bucket_policy_and_secret_stays(
    store: Store, minio: FakeMinio, secret: Secret, capsys: pytest.CaptureFixture[str]
) -> None:
    store.s3.create_bucket(Bucket=store.bucket)
    theirs = {"ID": "theirs", "Status": "Enabled", "Filter": {"And": {"Prefix": "x/", "ObjectSizeGreaterThan": 500}}}
    changed = {"ID": "pawline-checkpoints:datasets/checkpoints/", "Filter": {"Prefix": "y/"}, "Status": "Disabled"}
    ends = {"Expiration": {"Days": 3}}
    rules = {"Rules": [theirs | ends, changed | ends]}
    store.s3.put_bucket_lifecycle_configuration(Bucket=store.bucket, LifecycleConfiguration=rules)
    before = store.rules()
    statement = {"Effect": "Deny", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::other/*"]}
    minio.policies["pawline-runs"] = {"Version": "2012-10-17", "Statement": [statement]}
    secret.data = {"AWS_S3_ENDPOINT": "https://s3.example.org", "MINE": "kept"}
    assert store.init() == 0
    after = store.rules()
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {"pawline-old-versions:datasets/"}
    assert minio.policies["pawline-runs"]["Statement"][0] == statement
    assert len(minio.policies["pawline-runs"]["Statement"]) == 5
    assert (secret.data["MINE"], secret.data["AWS_S3_ENDPOINT"]) == ("kept", "https://s3.example.org")
    printed = capsys.readouterr().out
    assert f"? rule theirs of {store.bucket}: not ours, left alone" in printed
    assert f"? rule {changed['ID']} of {store.bucket}: somebody changed it, left alone" in printed
    assert "? policy pawline-runs: 1 other statements of it, left alone" in printed


@pytest.mark.parametrize("versions", ["Enabled", "Suspended"])
def test_old_versions_that_others_keep_are_not_ended(
    store: Store, minio: FakeMinio, capsys: pytest.CaptureFixture[str], versions: str
) -> None:
    store.s3.create_bucket(Bucket=store.bucket)
    for status in ("Enabled", versions):
        store.s3.put_bucket_versioning(Bucket=store.bucket, VersioningConfiguration={"Status": status})
    assert store.init("--no-key") == 0
    assert list(store.rules()) == ["pawline-checkpoints:datasets/checkpoints/"]
    assert store.versioning() == versions
    assert f"? old versions in {store.bucket}: " in capsys.readouterr().out


def test_a_policy_grows_by_what_another_store_needs(store: Store, minio: FakeMinio, secret: Secret) -> None:
    words = ("--address", "http://pawline-store:9000")
    assert store.init(*words) == 0
    before = minio.policies["pawline-runs"]["Statement"]
    store.s3.create_bucket(Bucket=f"{store.bucket}-kfp")
    store.words[-1] = f"dataset_store=s3://{store.bucket}-kfp/sets"
    assert store.init(*words) == 0
    after = minio.policies["pawline-runs"]["Statement"]
    assert after[: len(before)] == before
    assert any(f"arn:aws:s3:::{store.bucket}-kfp/sets/*" in statement["Resource"] for statement in after)
    assert len(minio.users) == 1


def test_runs_may_delete_nothing_that_is_kept_for_good(store: Store, minio: FakeMinio) -> None:
    assert store.init("--no-key") == 0
    assert not minio.users
    deletes = [s["Resource"] for s in minio.policies["pawline-runs"]["Statement"] if "s3:DeleteObject" in s["Action"]]
    kept = f"arn:aws:s3:::{store.bucket}/datasets"
    assert deletes == [[f"{kept}/.pawline-may-write", f"{kept}/checkpoints/*"]]


def test_the_key_suffices_for_what_runs_do_and_for_nothing_else(
    store: Store, minio: FakeMinio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, large = tmp_path / "runs.env", tmp_path / "large"
    assert store.init("--env-file", str(path)) == 0
    for key in ("a.json", "images/cat/1.jpg"):
        store.s3.put_object(Bucket=store.bucket, Key=key, Body=b"there")
    for line in path.read_text().splitlines():
        monkeypatch.setenv(*line.split("=", 1))
    s3_client.cache_clear()
    large.write_bytes(bytes(PART_BYTES + 1))
    datasets, images = (open_store(f"s3://{store.bucket}/{folder}") for folder in ("datasets", "images"))
    checkpoints = open_store(datasets.uri(CHECKPOINTS))
    datasets.check_writable()
    datasets.upload("f/part.parquet", large)
    checkpoints.upload("key/state", path)
    checkpoints.clear()
    assert [found.name for found in datasets.list()] == ["f/part.parquet"]
    assert images.read("cat/1.jpg") == read_bytes(f"s3://{store.bucket}/a.json") == b"there"
    assert not datasets.exists("f/dataset.json")
    for forbidden in (datasets.clear, lambda: images.upload("cat/1.jpg", path)):
        with pytest.raises(ServiceError, match="AccessDenied"):
            forbidden()


def test_an_old_minio_gives_its_policy_the_old_way(store: Store, minio: FakeMinio, secret: Secret) -> None:
    minio.old, minio.name = True, "a proxy"
    assert store.init("--address", "http://pawline-store:9000") == 0
    assert [user.policies for user in minio.users.values()] == [["pawline-runs"]]


def test_a_key_of_somebody_else_is_left_and_replaced_on_demand(
    store: Store, minio: FakeMinio, secret: Secret, capsys: pytest.CaptureFixture[str]
) -> None:
    allowed = {"Action": ["s3:ListBucket"], "Resource": [f"arn:aws:s3:::{store.bucket}"]}
    minio.policies["hers"] = {"Statement": [allowed]}
    minio.users["hers"] = User("her-secret", ["hers"])
    secret.data = {"AWS_ACCESS_KEY_ID": "hers", "AWS_SECRET_ACCESS_KEY": "her-secret", "AWS_S3_ENDPOINT": "http://s"}
    assert store.init() == 0
    assert secret.data["AWS_ACCESS_KEY_ID"] == "hers"
    assert "another one is there and works, left alone" in capsys.readouterr().out
    assert store.init("--new-key") == 0
    assert secret.data["AWS_ACCESS_KEY_ID"].startswith("pawline-")
    assert "hers" in minio.users


def test_a_key_that_does_not_work_is_said_before_anything_is_done(
    store: Store, minio: FakeMinio, secret: Secret, capsys: pytest.CaptureFixture[str]
) -> None:
    secret.data = {"AWS_ACCESS_KEY_ID": "gone", "AWS_SECRET_ACCESS_KEY": "gone-secret"}
    assert store.init() == 1
    assert "InvalidAccessKeyId. Nothing has been changed; --new-key puts another one there." in said_of_failure(capsys)
    assert minio.changes() == []


def test_a_secret_that_may_not_be_written_is_said_before_a_key_is_made(
    store: Store, minio: FakeMinio, secret: Secret, capsys: pytest.CaptureFixture[str]
) -> None:
    secret.cluster.routes["POST", SECRETS] = 403, {"message": 'secrets is forbidden: User "u" cannot create'}
    assert store.init("--address", "http://pawline-store:9000") == 1
    line = said_of_failure(capsys)
    assert "You must be allowed to make the secret pawline-s3. Received: 403 secrets is forbidden" in line
    assert minio.changes() == []


def test_a_user_whose_key_found_no_place_is_removed_again(
    store: Store, minio: FakeMinio, secret: Secret, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(request: Request) -> tuple[int, Any]:
        if "dryRun" in request.query:
            return 200, {}
        return 409, {"message": f"no {request.body['stringData']['AWS_SECRET_ACCESS_KEY']} here"}

    secret.cluster.routes["POST", SECRETS] = refused
    assert store.init("--address", "http://pawline-store:9000") == 1
    printed = capsys.readouterr()
    assert minio.users == {}
    assert "no [secret] here" in printed.err
    assert f"Done: bucket {store.bucket}, rules of {store.bucket}, versions in {store.bucket}, policy" in printed.err
    assert printed.err.rstrip().endswith("Not done: key in secret pawline-s3 in namespace kubeflow.")


@pytest.mark.parametrize("fault", ["no administrator", "no admin API"])
def test_without_minios_administration_the_buckets_are_done_and_the_rest_said(
    store: Store, minio: FakeMinio, secret: Secret, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    minio.administrators = () if fault == "no administrator" else minio.administrators
    minio.no_admin_api = fault == "no admin API"
    assert store.init() == 1
    printed = capsys.readouterr()
    [line] = printed.err.splitlines()
    assert ("The key must be an administrator's" if minio.administrators == () else "since 2020") in line
    assert line.endswith("Buckets are done; policy and key are not, see the policy above.")
    assert '"s3:DeleteObject"' in printed.out
    assert store.versioning() == "Enabled"


def test_a_file_takes_the_key_where_there_is_no_cluster(
    store: Store, minio: FakeMinio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "absent"))
    path = tmp_path / "runs.env"
    assert store.init("--env-file", str(path)) == 0
    [(access, user)] = minio.users.items()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written = dict(line.split("=", 1) for line in path.read_text().splitlines())
    assert (written["AWS_ACCESS_KEY_ID"], written["AWS_SECRET_ACCESS_KEY"]) == (access, user.secret)
    assert written["AWS_ENDPOINT_URL_S3"] == minio.url
    assert store.init("--env-file", str(path)) == 0
    assert len(minio.users) == 1
    capsys.readouterr()
    assert store.init("--env-file", str(path), "--new-key") == 2
    assert "--env-file must be a new file" in said_of_failure(capsys)


@pytest.mark.parametrize("kind", ["text", "folder", "link", "in no folder"])
def test_a_file_that_is_there_is_never_written(
    store: Store, minio: FakeMinio, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    path = tmp_path / "mine"
    match kind:
        case "text":
            path.write_text("mine")
        case "folder":
            path.mkdir()
        case "link":
            path.symlink_to(tmp_path / "nowhere")
        case _:
            path = tmp_path / "no" / "such" / "folder"
    assert store.init("--env-file", str(path)) == 2
    assert "--env-file must be a new file" in said_of_failure(capsys)
    assert minio.changes() == []


def test_a_plain_s3_store_gets_buckets_and_rules_and_the_policy_is_printed(
    store: Store, secret: Secret, capsys: pytest.CaptureFixture[str]
) -> None:
    assert store.init() == 0
    printed = capsys.readouterr().out
    assert printed.startswith("S3 store at http://127.0.0.1")
    assert sorted(store.rules()) == [
        "pawline-checkpoints:datasets/checkpoints/",
        "pawline-old-versions:datasets/",
        "pawline-unfinished-uploads:datasets/",
    ]
    policy = json.loads(printed[printed.index("{") :])
    assert {statement["Effect"] for statement in policy["Statement"]} == {"Allow"}
    assert secret.data is None
    assert store.init("--no-key", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {change["change"] for change in found["changes"]} == {"keep"}
    assert found["policy"] == policy


def test_runs_are_not_told_an_address_that_only_this_machine_has(
    store: Store, minio: FakeMinio, secret: Secret, capsys: pytest.CaptureFixture[str]
) -> None:
    assert store.init() == 2
    assert "--address http://pawline-store:9000" in said_of_failure(capsys)
    assert minio.changes() == []


@pytest.mark.parametrize(
    ("environment", "words", "said"),
    [
        ({"AWS_ENDPOINT_URL_S3": "localhost:9000"}, [], "AWS_ENDPOINT_URL_S3 must be a URL"),
        ({"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9/a/path"}, [], "without a path"),
        ({"AWS_CA_BUNDLE": "/no/such/file"}, [], "AWS_CA_BUNDLE must be a file"),
        ({"AWS_DEFAULT_REGION": "no region"}, [], "AWS_DEFAULT_REGION a region"),
        ({}, ["--param", "dataset_store=datasets"], "dataset_store must be in S3"),
        ({}, ["--param", "dataset_store=s3://UPPER/datasets"], "dataset_store must be s3://bucket/prefix"),
        ({}, ["--param", "images_uri=s3://192.168.1.1/images"], "images_uri must be s3://bucket/prefix"),
        ({}, ["--param", "dataset_store=s3://bucket/*"], "dataset_store must be s3://bucket/prefix"),
        ({}, ["--artifacts", "s3://bucket/${a}"], "--artifacts must be s3://bucket/prefix"),
        ({}, ["--param", "epoch=3"], "Did you mean epochs?"),
        ({}, ["--new-key"], "Leave one out"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_asked(
    s3_environment: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: dict[str, str],
    words: list[str],
    said: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main(["store", "init", "--no-key", *words]) == 2
    assert said in said_of_failure(capsys)


def test_keys_must_be_given(
    s3_environment: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "absent"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "absent"))
    assert main(["store", "init", "--no-key"]) == 2
    assert "An administrator's keys to the store must be given" in said_of_failure(capsys)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("403", "The store must know the key. Received: InvalidAccessKeyId"),
        ("reset", "must answer"),
        ("garbage", "must answer"),
        ("500", "InternalError"),
    ],
)
def test_a_store_that_fails_is_one_line(
    store: Store, proxy: Any, capsys: pytest.CaptureFixture[str], fault: str, said: str
) -> None:
    proxy.plan = lambda request: fault if not request.path.startswith("/minio/") and request.method == "GET" else None
    store.s3.create_bucket(Bucket=store.bucket)
    assert store.init("--no-key") == 1
    assert said in said_of_failure(capsys)


def test_no_store_at_the_address_is_one_line(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    assert store.init("--no-key") == 1
    assert "The S3 store at http://127.0.0.1:9 must answer" in said_of_failure(capsys)


def test_a_bucket_of_somebody_else_is_one_line(
    store: Store, minio: FakeMinio, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "minio.Minio.make_bucket",
        lambda client, name, _: client._execute("PUT", name, query_params={"lifecycle": ""}, body=b"<a><Rule/></a>"),
    )
    assert store.init("--no-key") == 1
    assert "Done: nothing. Not done: bucket" in said_of_failure(capsys)
