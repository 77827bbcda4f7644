"""extract when something fails: bad annotation files, a failing S3, a full disk, a kill at any point."""

import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from components.dataset.snapshot import open_dataset
from components.extract.step import main
from components.storage import s3
from tests.conftest import Bucket
from tests.support import generated
from tests.support.extraction import Outcome, assert_nothing_written, assert_refused, extract_arguments, run_extract
from tests.support.fault_proxy import FaultProxy, Request
from tests.support.patience import PATIENCE


@pytest.fixture
def arguments(pets: Path, tmp_path: Path) -> list[str]:
    return extract_arguments(tmp_path / "out", pets / "annotations.json", pets / "images", tmp_path / "datasets")


def export(labels: dict[str, object], **envelope: object) -> bytes:
    return generated.ecotag_export(labels, **envelope).encode()


BAD_ANNOTATIONS = {
    "empty": (b"", "must not be empty"),
    "blank": (b" \n\n", "must not be empty"),
    "not JSON": (b"{cats and dogs}", "must be JSON"),
    "a picture": (generated.image_bytes(0), "must be UTF-8 text"),
    "another text": (b"Dear all,\nplease find attached\n", "An annotation file must be COCO (JSON), CVAT"),
    "truncated": (export({"page0.png": "cat", "page1.png": "dog"})[:-30], "must be JSON"),
    "nested too deep": (b"[" * 100_000, "must be JSON"),
    "huge number": (b'{"annotations": [' + b"9" * 5000 + b"]}", "must be JSON"),
    "another structure": (b'{"annotations": {"page0.png": "cat"}}', "JSON of another structure"),
    "another project type": (export({"page0.png": "cat"}, projectType="NamedEntity"), "NamedEntity"),
    "crops": (b'{"annotations": [{"fileName": "a", "annotation": {"x": 1}}]}', "must hold a label"),
    "zero annotations": (export({}), "at least one annotation"),
    "no annotation, as CSV": (b"file,label\n", "at least one annotation"),
    "CSV row too short": (b"file,label\npage0.png\n", "line 2"),
    "CSV quote not closed": (b'file,label\n"page0.png,cat\n', "well-formed CSV"),
    "empty label": (export({"page0.png": "", "page1.png": "cat"}), "A label must be text"),
    "label of a number": (export({"page0.png": 7, "page1.png": "cat"}), "A label must be text"),
    "one class": (export({"page0.png": "cat", "page1.png": "cat"}), "at least two classes"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_ANNOTATIONS)
def test_a_bad_annotation_file_is_one_line(arguments: list[str], pets: Path, tmp_path: Path, case: str) -> None:
    data, fragment = BAD_ANNOTATIONS[case]
    (pets / "annotations.json").write_bytes(data)
    assert_refused(run_extract(arguments), 1, fragment)
    assert_nothing_written(tmp_path / "out", tmp_path / "datasets")


def replaced(arguments: list[str], **options: str) -> list[str]:
    """Return `arguments` with other values."""
    changed = list(arguments)
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if flag in changed:
            changed[changed.index(flag) + 1] = value
        else:
            changed += [flag, value]
    return changed


@pytest.mark.parametrize(
    ("options", "fragment"),
    [
        ({"annotation_format": "cocos"}, "annotation_format must be one of auto, coco, cvat, ecotag,"),
        ({"on_bad_sample": "ignore"}, "on_bad_sample must be fail or drop"),
        ({"group_pattern": "("}, "group_pattern must be a regular expression"),
        ({"group_pattern": "no group"}, "0 named groups"),
        ({"images_uri": "gs://bucket/images"}, "A store must be s3://bucket/prefix"),
        ({"images_uri": ""}, "A store must be"),
        ({"images_uri": "s3://"}, "An S3 URI must be"),
        ({"annotations_uri": "s3://bucket"}, "The URI of a file must name it"),
        ({"annotations_uri": "https://example.org/a.json"}, "A store must be"),
        ({"dataset_store": "ftp://x"}, "A store must be"),
        ({"executor_input": "{"}, "--executor-input must be"),
    ],
)
def test_bad_arguments_end_with_2(arguments: list[str], tmp_path: Path, options, fragment: str) -> None:
    assert_refused(run_extract(replaced(arguments, **options)), 2, fragment)
    assert_nothing_written(tmp_path / "out", tmp_path / "datasets")


@pytest.mark.parametrize("missing", ["annotations_uri", "images_uri"])
def test_what_does_not_exist_is_named(arguments: list[str], tmp_path: Path, missing: str) -> None:
    assert_refused(run_extract(replaced(arguments, **{missing: str(tmp_path / "nowhere")})), 1, "nowhere", "must exist")
    assert_nothing_written(tmp_path / "out", tmp_path / "datasets")


@pytest.fixture
def in_s3(proxy: FaultProxy, bucket: Bucket, pets: Path, tmp_path: Path) -> list[str]:
    """The arguments of an extract that has everything in S3, behind the proxy."""
    bucket.put({f"images/{name}": data for name, data in generated.noise_images(12).items()})
    bucket.put({"annotations.json": (pets / "annotations.json").read_bytes()})
    places = (bucket.uri("annotations.json"), bucket.uri("images"), bucket.uri("datasets"))
    proxy.requests.clear()
    proxy._attempts.clear()
    return extract_arguments(tmp_path / "out", *places)


def assert_no_dataset(proxy: FaultProxy, bucket: Bucket, tmp_path: Path) -> None:
    """Check that nothing complete was written, to disk or to the bucket."""
    proxy.plan = lambda _: None
    assert not [key for key in bucket.listed() if key.endswith("dataset.json")]
    assert_nothing_written(tmp_path / "out")


def every_third(fault: str):
    """Return the plan that spoils every third request, but each only once."""
    return lambda request: fault if request.number % 3 == 0 and request.attempt == 1 else None


@pytest.mark.parametrize("fault", ["500", "503", "reset", "hang", "truncate"])
def test_faults_on_some_requests_are_survived(
    in_s3: list[str], arguments: list[str], proxy: FaultProxy, fault: str
) -> None:
    proxy.plan = every_third(fault)
    spoiled = run_extract(in_s3)
    assert spoiled.dataset().fingerprint == run_extract(arguments).dataset().fingerprint
    assert any(request.attempt > 1 for request in proxy.requests), "no request was tried again: the proxy did nothing"


LASTING = {
    "images?list": ("403", "500", "503", "reset", "hang", "truncate", "garbage"),
    "images/page7": ("403", "500", "503", "reset", "hang", "truncate"),  # Garbage is bad data, tested elsewhere.
    "datasets/": ("403", "500", "503", "reset", "hang"),  # Answers to writes have no body to spoil.
}


@pytest.mark.parametrize(("where", "fault"), [(where, fault) for where, faults in LASTING.items() for fault in faults])
def test_lasting_faults_end_in_one_line(
    in_s3: list[str], proxy: FaultProxy, bucket: Bucket, tmp_path: Path, fault: str, where: str, monkeypatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    if fault == "hang":
        monkeypatch.setattr(s3, "READ_TIMEOUT", 0.1)
        s3.s3_client.cache_clear()
    proxy.plan = lambda request: fault if _concerns(request, where) else None
    assert_refused(run_extract(in_s3), 1, "The S3 store at http://127.0.0.1", "Check endpoint, keys and bucket")
    # boto3 does not count the first, nor the quick read before.
    assert max(request.attempt for request in proxy.requests) <= s3.ATTEMPTS + 2
    assert_no_dataset(proxy, bucket, tmp_path)


def _concerns(request: Request, where: str) -> bool:
    return "list-type=2" in request.path if where == "images?list" else where in request.path


@pytest.mark.parametrize("wrong", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_wrong_keys_are_one_line_without_the_secret(
    in_s3: list[str], proxy: FaultProxy, bucket: Bucket, tmp_path: Path, wrong: str, monkeypatch
) -> None:
    keys = s3_user(bucket)
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    with s3_checks_keys(bucket.port):
        s3.s3_client.cache_clear()
        assert run_extract(in_s3).code == 0, "with the right keys it works"
        shutil.rmtree(tmp_path / "out")
        monkeypatch.setenv(wrong, "wrong" * 8)
        s3.s3_client.cache_clear()
        outcome = run_extract(in_s3)
    assert_refused(outcome, 1, "InvalidAccessKeyId" if wrong == "AWS_ACCESS_KEY_ID" else "SignatureDoesNotMatch")
    assert keys["AWS_SECRET_ACCESS_KEY"] not in outcome.stderr
    assert "wrongwrong" not in outcome.stderr
    assert_nothing_written(tmp_path / "out")


def s3_user(bucket: Bucket) -> dict[str, str]:
    """Make a user of the S3 server who may do anything; return his keys as environment."""
    import boto3

    iam = boto3.client("iam", endpoint_url=f"http://127.0.0.1:{bucket.port}")
    iam.create_user(UserName=bucket.name)
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_user_policy(UserName=bucket.name, PolicyName="all", PolicyDocument=json.dumps(everything))
    key = iam.create_access_key(UserName=bucket.name)["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


@contextlib.contextmanager
def s3_checks_keys(port: int):
    """Have the S3 server check keys and signatures meanwhile."""
    _set_requests_without_check(port, b"0")
    try:
        yield
    finally:
        _set_requests_without_check(port, b"inf")


def _set_requests_without_check(port: int, count: bytes) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/moto-api/reset-auth", data=count, headers={"Content-Type": "text/plain"}
    )
    urllib.request.urlopen(request, timeout=PATIENCE).close()


def test_no_keys_at_all_are_one_line(in_s3: list[str], tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    s3.s3_client.cache_clear()
    assert_refused(run_extract(in_s3), 1, "Unable to locate credentials")


@pytest.mark.parametrize("flag", ["annotations_uri", "images_uri", "dataset_store"])
def test_a_wrong_bucket_is_named(in_s3: list[str], tmp_path: Path, flag: str) -> None:
    outcome = run_extract(replaced(in_s3, **{flag: "s3://no-such-bucket/here"}))
    assert_refused(outcome, 1, "NoSuchBucket", "s3://no-such-bucket/")
    assert_nothing_written(tmp_path / "out")


def test_an_endpoint_where_nobody_listens_is_one_line_soon(in_s3: list[str], tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    s3.s3_client.cache_clear()
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    assert_refused(run_extract(in_s3), 1, "http://127.0.0.1:9", "Could not connect to the endpoint")
    assert 0 < sum(pauses) < 60
    assert_nothing_written(tmp_path / "out")


def test_a_host_that_does_not_exist_is_one_line(in_s3: list[str], monkeypatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://minio.invalid:9000")
    s3.s3_client.cache_clear()
    assert_refused(run_extract(in_s3), 1, "http://minio.invalid:9000")


@pytest.mark.parametrize("on_bad_sample", ["fail", "drop"])
def test_an_object_replaced_after_the_listing_ends_the_step(
    in_s3: list[str], proxy: FaultProxy, bucket: Bucket, tmp_path: Path, on_bad_sample: str
) -> None:
    def replace(request: Request) -> None:
        if request.path.endswith("images/page5.png") and request.method == "GET" and request.attempt == 1:
            bucket.put({"images/page5.png": generated.image_bytes(77)})

    proxy.plan = replace
    outcome = run_extract([*in_s3, "--on-bad-sample", on_bad_sample])
    assert_refused(outcome, 1, "An object must not change while it is read", "images/page5.png", "Run again")
    assert_no_dataset(proxy, bucket, tmp_path)


def test_an_object_removed_after_the_listing_is_a_bad_sample(
    in_s3: list[str], proxy: FaultProxy, bucket: Bucket
) -> None:
    def remove(request: Request) -> None:
        if request.path.endswith("images/page5.png") and request.method == "GET":
            bucket.client.delete_object(Bucket=bucket.name, Key="images/page5.png")

    proxy.plan = remove
    assert_refused(run_extract(in_s3), 1, "page5.png was removed while the images were read")
    assert_refused(run_extract(in_s3), 1, "page5.png is missing")


def run_process(arguments: list[str], **options) -> Outcome:
    """Run extract as its own process."""
    command = [sys.executable, "-m", "components.extract", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, **options)
    return Outcome(done.returncode, done.stderr)


def test_a_limit_on_file_size_is_one_line(arguments: list[str], pets: Path, tmp_path: Path) -> None:
    images = sum(path.stat().st_size for path in (pets / "images").iterdir())
    for limit in (images // 2, images + 100):  # Too small for the spool; for the dataset's part.
        limited = run_process(
            arguments, preexec_fn=lambda size=limit: resource.setrlimit(resource.RLIMIT_FSIZE, (size,) * 2)
        )
        assert_refused(limited, 1, "The temporary folder must", "File too large", "Free space or set TMPDIR")
        assert_nothing_written(tmp_path / "out", tmp_path / "datasets")


OWN_MOUNTS = ("/usr/bin/unshare", "-rm")  # From util-linux.
FULL = 'mkdir -p "$0" && mount -t tmpfs -o size={size} none "$0" && "$@"; code=$?; find "$0" -type f; exit $code'


@pytest.mark.parametrize(
    ("full", "size", "fragment"),
    [
        ("datasets", "8k", "No space left on device"),
        ("out", "4k", "No space left on device"),
        ("temporary", "8k", "The temporary folder must have room"),
        ("datasets", "1m,ro", "Read-only file system"),
        ("out", "1m,ro", "Read-only file system"),
    ],
)
def test_a_full_or_read_only_disk_is_one_line(
    arguments: list[str], tmp_path: Path, full: str, size: str, fragment: str
) -> None:
    if not Path(OWN_MOUNTS[0]).exists() or subprocess.run([*OWN_MOUNTS, "true"], capture_output=True).returncode:
        pytest.skip("mounting a small disk needs user namespaces, which this machine forbids")
    command = [*OWN_MOUNTS, "sh", "-c", FULL.format(size=size), str(tmp_path / full)]
    environment = os.environ | {"TMPDIR": str(tmp_path / "temporary")}
    (tmp_path / "temporary").mkdir()
    step = [sys.executable, "-m", "components.extract", *arguments]
    done = subprocess.run([*command, *step], capture_output=True, text=True, env=environment, timeout=PATIENCE)
    assert_refused(Outcome(done.returncode, done.stderr), 1, fragment)
    # Of the two outputs the first may be there, complete; of a dataset nothing is.
    left = [line for line in done.stdout.splitlines() if not line.endswith("out/samples.csv")]
    assert left == [], "a file was left on the full disk"
    assert_nothing_written(tmp_path / "out", tmp_path / "temporary")
    assert not list(tmp_path.rglob("dataset.json")) or full == "out"


@pytest.mark.parametrize("flag", ["samples", "report", "dataset_store"])
def test_a_file_in_the_place_of_a_folder_is_one_line(arguments: list[str], tmp_path: Path, flag: str) -> None:
    (tmp_path / "file").write_text("mine")
    assert_refused(run_extract(replaced(arguments, **{flag: str(tmp_path / "file" / "x")})), 1, "must be writable")
    assert (tmp_path / "file").read_text() == "mine"


KILLED = """
import os, signal, sys
from components.extract.step import main
import components.extract.report, components.storage.s3

def run(point, root, arguments):
    count = 0
    def touch(path):
        nonlocal count
        if root in str(path):
            count += 1
            if count == point:
                os.kill(os.getpid(), signal.SIGKILL)
    def on_event(event, about):
        if event in ("open", "os.mkdir", "os.rename"):
            touch(about[0])
    def on_call(frame, event, called):
        if event == "c_call" and called.__name__ == "write":
            touch(getattr(called.__self__, "name", ""))
    sys.addaudithook(on_event)
    sys.setprofile(on_call)
    code = main(arguments)
    sys.setprofile(None)
    if not point:
        print(count, flush=True)
    os._exit(code)

for line in sys.stdin:
    point, root, *arguments = line.rstrip("\\n").split("\\t")
    if not (child := os.fork()):
        run(int(point), root, arguments)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture
def killer(tmp_path: Path):
    """A process that runs extract in children and kills them before the n-th time they touch `tmp_path`."""
    command = [sys.executable, "-c", KILLED]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:

        def run(point: int, arguments: list[str]) -> int:
            """Return the exit code; if `point` is 0, how often the disk was touched."""
            process.stdin.write("\t".join([str(point), str(tmp_path), *arguments]) + "\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        run.count = lambda arguments: (run(0, arguments), int(process.stdout.readline()))[0]
        yield run
        process.stdin.close()
        process.wait(PATIENCE)


def assert_absent_or_complete(out: Path, store: Path, complete: dict[str, bytes]) -> None:
    """Check that each output is as an undisturbed run wrote it or not there, and that every dataset opens."""
    for name, data in complete.items():
        assert not (out / name).exists() or (out / name).read_bytes() == data
    for manifest in store.rglob("dataset.json") if store.exists() else []:
        if not any(part.startswith(".partial-") for part in manifest.relative_to(store).parts):
            dataset = open_dataset(str(manifest.parent))
            assert len(list(dataset.images(dataset.samples()))) == 12


def test_killed_at_any_point_it_leaves_nothing_that_looks_complete(killer, pets: Path, tmp_path: Path) -> None:
    def arguments_in(folder: Path) -> list[str]:
        return extract_arguments(folder, pets / "annotations.json", pets / "images", tmp_path / "datasets")

    undisturbed = run_extract(arguments_in(tmp_path / "undisturbed")).dataset()
    outputs = {name: (tmp_path / "undisturbed" / name).read_bytes() for name in ("samples.csv", "report.html")}
    shutil.rmtree(tmp_path / "datasets")
    touches = killer.count(arguments_in(tmp_path / "counted"))
    assert touches > 20, touches
    for point in range(1, touches + 1):
        shutil.rmtree(tmp_path / "datasets", ignore_errors=True)
        out = tmp_path / f"out{point}"
        assert killer(point, arguments_in(out)) == -signal.SIGKILL
        assert_absent_or_complete(out, tmp_path / "datasets", outputs)
        if point % 8 == 0:
            assert run_extract(arguments_in(out)).dataset().fingerprint == undisturbed.fingerprint
            assert {name: (out / name).read_bytes() for name in outputs} == outputs


@pytest.mark.parametrize(
    "point",
    [("GET", "list-type=2"), ("GET", "images/page6"), ("PUT", ".parquet"), ("PUT", "dataset.json")],
    ids=["listing", "reading", "part", "manifest"],
)
def test_killed_between_requests_it_leaves_no_dataset(
    in_s3: list[str], arguments: list[str], proxy: FaultProxy, bucket: Bucket, tmp_path: Path, point: tuple[str, str]
) -> None:
    command = [sys.executable, "-m", "components.extract", *in_s3]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        proxy.plan = lambda request: _kill_at(process, request, *point)
        assert process.wait(PATIENCE) == -signal.SIGKILL
    assert_no_dataset(proxy, bucket, tmp_path)
    assert run_extract(in_s3).dataset().fingerprint == run_extract(arguments).dataset().fingerprint


def _kill_at(process: subprocess.Popen[bytes], request: Request, method: str, where: str) -> str | None:
    if request.method == method and where in request.path:
        process.kill()
        process.wait()
        return "reset"
    return None


def test_an_interrupt_keeps_its_meaning(arguments: list[str], monkeypatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("components.extract.chunk_reading.write_chunks", interrupt)
    with pytest.raises(KeyboardInterrupt):
        main(arguments)


def test_a_store_without_the_right_to_write_is_noticed_before_an_image_is_read(
    pets: Path, bucket: Bucket, proxy: FaultProxy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proxy.plan = lambda request: "403" if request.method in ("PUT", "POST", "DELETE") else None
    bucket.put({f"images/{path.name}": path.read_bytes() for path in (pets / "images").iterdir()})
    bucket.put({"a.json": (pets / "annotations.json").read_bytes()})
    arguments = extract_arguments(tmp_path / "out", bucket.uri("a.json"), bucket.uri("images"), bucket.uri("datasets"))
    assert main(arguments) == 1
    assert "/.pawline-may-write" in capsys.readouterr().err.splitlines()[-1]
    assert [request.method for request in proxy.requests] == ["PUT"]
    assert not any(key.startswith("datasets") for key in bucket.listed())


def test_a_store_that_may_be_written_and_not_deleted_from_keeps_datasets(
    pets: Path, bucket: Bucket, proxy: FaultProxy, tmp_path: Path
) -> None:
    proxy.plan = lambda request: "403" if request.method == "DELETE" else None
    arguments = extract_arguments(tmp_path / "out", pets / "annotations.json", pets / "images", bucket.uri("datasets"))
    assert main(arguments) == 0


def test_a_folder_without_the_right_to_write_is_noticed_before_an_image_is_read(
    pets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.extract.chunk_reading.write_chunks", lambda *_: pytest.fail("images were read"))
    arguments = extract_arguments(tmp_path / "out", pets / "annotations.json", pets / "images", Path("/proc/datasets"))
    assert main(arguments) == 1
    assert "The folder must be writable. Received: /proc/datasets" in capsys.readouterr().err


def test_the_trial_leaves_nothing_behind(pets: Path, bucket: Bucket, tmp_path: Path) -> None:
    (pets / "annotations.json").write_text("broken")
    for store in (bucket.uri("datasets"), tmp_path / "datasets"):
        assert main(extract_arguments(tmp_path / "out", pets / "annotations.json", pets / "images", store)) == 1
    assert bucket.listed() == []
    assert not (tmp_path / "datasets").exists()
