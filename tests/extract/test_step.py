"""extract: from annotations and images, on disk and in S3, to a verified dataset."""

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from components.dataset.snapshot import open_dataset
from components.extract.step import extract
from components.step.errors import DataError
from tests.conftest import Bucket
from tests.support import generated
from tests.support.extraction import assert_nothing_written, assert_refused, extract_arguments, first_part, run_extract
from tests.support.fault_proxy import FaultProxy


def expected_fingerprint(files: dict[str, bytes], labels: dict[str, str]) -> str:
    """The definition, in the test's own words: sha256 over the sorted lines, each sample its own group."""
    lines = [[name, hashlib.sha256(files[name]).hexdigest(), labels[name], name] for name in sorted(files)]
    return hashlib.sha256("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()).hexdigest()


@pytest.fixture
def arguments(pets: Path, tmp_path: Path) -> list[str]:
    return extract_arguments(tmp_path / "out", pets / "annotations.json", pets / "images", tmp_path / "datasets")


def test_from_disk(arguments: list[str], tmp_path: Path) -> None:
    files = generated.noise_images(12)
    dataset = run_extract(arguments).dataset()
    assert dataset.fingerprint == expected_fingerprint(files, generated.labels_of(files))
    assert dataset.uri == str(tmp_path / "datasets" / dataset.fingerprint)
    assert dataset.class_names == ["cat", "dog", "other"]
    assert {sample.sample_id: data for sample, data in dataset.images(dataset.samples())} == files
    rows = list(csv.DictReader((tmp_path / "out/samples.csv").open()))
    assert [(row["sample_id"], row["sha256"]) for row in rows] == [(s.sample_id, s.sha256) for s in dataset.samples()]


def test_the_same_data_in_s3_is_the_same_dataset(
    arguments: list[str], proxy: FaultProxy, bucket: Bucket, pets: Path, tmp_path: Path
) -> None:
    files = generated.noise_images(12)
    bucket.put({f"in/images/{name}": data for name, data in files.items()} | {"in/images2/x.png": b"no"})
    bucket.put({"in/annotations.json": (pets / "annotations.json").read_bytes()})
    places = (bucket.uri("in/annotations.json"), bucket.uri("in/images/"), bucket.uri("datasets"))
    in_s3 = run_extract(extract_arguments(tmp_path / "s3", *places)).dataset()
    assert in_s3.fingerprint == run_extract(arguments).dataset().fingerprint
    assert in_s3.uri == bucket.uri(f"datasets/{in_s3.fingerprint}")
    assert (tmp_path / "s3/samples.csv").read_bytes() == (tmp_path / "out/samples.csv").read_bytes()
    before = len(proxy.requests)
    samples = in_s3.samples()
    assert {sample.sample_id: data for sample, data in in_s3.images(samples)} == files
    reads = [r for r in proxy.requests[before:] if r.method == "GET"]
    assert reads
    assert all("range" in request.headers for request in reads)


def test_each_image_is_asked_for_once(proxy: FaultProxy, bucket: Bucket, pets: Path, tmp_path: Path) -> None:
    files = generated.noise_images(12)
    bucket.put({f"images/{name}": data for name, data in files.items()})
    arguments = extract_arguments(tmp_path, pets / "annotations.json", bucket.uri("images"), tmp_path / "datasets")
    before = len(proxy.requests)
    assert run_extract(arguments).code == 0
    asked = [(request.method, request.path.partition("?")[0]) for request in proxy.requests[before:]]
    images = [("GET", f"/{bucket.name}/images/{name}") for name in files]
    assert sorted(asked) == sorted([("GET", f"/{bucket.name}"), *images])


@pytest.mark.parametrize("layout", ["csv", "folders", "ecotag"])
def test_each_format_gives_the_same_dataset(tmp_path: Path, layout: str) -> None:
    files = {f"{generated.LABELS[i % 3]}/{i}.png": generated.image_bytes(i) for i in range(9)}
    labels = {name: name.partition("/")[0] for name in files}
    generated.write_files(tmp_path / "images", files)
    annotations = tmp_path / "annotations"
    if layout == "ecotag":
        annotations.write_text(generated.ecotag_export(dict(reversed(labels.items()))))
    if layout == "csv":
        annotations.write_text("file,label\n" + "".join(f"{name},{label}\n" for name, label in labels.items()))
    uri = "" if layout == "folders" else annotations
    outcome = run_extract(extract_arguments(tmp_path / "out", uri, tmp_path / "images", tmp_path / "datasets"))
    assert outcome.dataset().fingerprint == expected_fingerprint(files, labels)


def test_run_again_it_leaves_the_dataset_alone(arguments: list[str], tmp_path: Path) -> None:
    first = run_extract(arguments).dataset_uri
    files = [path for path in (tmp_path / "datasets").rglob("*") if path.is_file()]
    written = {path: path.stat().st_mtime_ns for path in files}
    assert run_extract(arguments).dataset_uri == first
    assert {path: path.stat().st_mtime_ns for path in files} == written
    assert len(files) == len([path for path in (tmp_path / "datasets").rglob("*") if path.is_file()]) == 3
    assert {path.name for path in tmp_path.iterdir()} == {"pets", "out", "datasets"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"samples.csv", "report.html"}
    assert {path.name for path in (tmp_path / "datasets").iterdir()} == {Path(first).name, "parts"}


@pytest.mark.parametrize("how", ["emptied", "removed", "truncated"])
@pytest.mark.parametrize("what", ["manifest", "table", "part"])
def test_run_again_it_repairs_a_damaged_dataset(arguments: list[str], what: str, how: str) -> None:
    dataset = run_extract(arguments).dataset()
    own = {"manifest": "dataset.json", "table": "samples.parquet"}
    path = Path(dataset.uri) / own[what] if what in own else first_part(dataset)
    if how == "removed":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: 0 if how == "emptied" else -100])
    again = run_extract(arguments).dataset()
    assert again.fingerprint == dataset.fingerprint
    assert len(list(again.images(again.samples()))) == 12


def test_output_parameters_go_where_kfp_says(arguments: list[str], tmp_path: Path) -> None:
    place = {name: {"outputFile": str(tmp_path / "kfp" / name)} for name in ("dataset_uri", "fingerprint")}
    executor_input = json.dumps({"outputs": {"parameters": place, "outputFile": str(tmp_path / "kfp/executor.json")}})
    outcome = run_extract([*arguments, "--executor-input", executor_input])
    fingerprint = outcome.dataset().fingerprint
    assert (tmp_path / "kfp/dataset_uri").read_text() == outcome.dataset_uri
    assert (tmp_path / "kfp/fingerprint").read_text() == fingerprint
    written = json.loads((tmp_path / "kfp/executor.json").read_text())
    assert written["parameterValues"] == {"dataset_uri": outcome.dataset_uri, "fingerprint": fingerprint}


def test_the_log_begins_with_a_command_that_runs_again(arguments: list[str]) -> None:
    first = run_extract(arguments)
    command = first.stderr.splitlines()[0].partition(" | ")[2]
    again = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} {command.removeprefix('python ')}"], capture_output=True, text=True
    )
    assert again.returncode == 0, again.stderr
    assert again.stderr.strip().endswith(first.dataset_uri)


def damaged_pets(pets: Path) -> dict[str, str]:
    """Spoil `pets` in every way that can be dropped; return what the report must say of each sample."""
    twin = generated.image_bytes(50)
    files = {
        "truncated.png": generated.image_bytes(60, (200, 200))[:5000],
        "truncated.jpg": generated.image_bytes(61, (200, 200), "JPEG")[:4000],
        "zero.png": b"",
        "text.png": b"this is no image",
        "gif.png": generated.image_bytes(62, format="GIF"),
        "twin1.png": twin,
        "twin2.png": twin,
        "bomb.png": generated.png_bomb(),
        "bomb.webp": generated.webp_bomb(),
        "film.webp": generated.animated_webp_bomb(),
        "bomb.bmp": generated.bmp_bomb(),
    }
    generated.write_files(pets / "images", files)
    labels: dict[str, object] = {**generated.labels_of(generated.noise_images(12)), **dict.fromkeys(files, "cat")}
    labels |= {"twin2.png": "dog", "missing.png": "dog"}
    (pets / "annotations.json").write_text(generated.ecotag_export(labels))
    said = dict.fromkeys(("truncated.png", "truncated.jpg"), "cannot be decoded")
    said |= dict.fromkeys(("text.png", "gif.png"), "is not a readable JPEG, PNG, WebP or BMP image")
    said |= dict.fromkeys(("bomb.png", "bomb.webp", "film.webp", "bomb.bmp"), "more than the limit")
    said |= dict.fromkeys(("twin1.png", "twin2.png"), "is cat and dog")
    return said | {"zero.png": "is empty", "missing.png": "is missing"}


def test_drop_leaves_out_and_lists_every_kind_of_bad_sample(arguments: list[str], pets: Path, tmp_path: Path) -> None:
    clean = run_extract(arguments).dataset().fingerprint
    said = damaged_pets(pets)
    outcome = run_extract([*arguments, "--on-bad-sample", "drop"])
    assert outcome.dataset().fingerprint == clean
    report = (tmp_path / "out/report.html").read_text()
    dropped = {line.partition("dropped: ")[2] for line in outcome.stderr.splitlines() if "dropped: " in line}
    assert len(dropped) == len(said)
    for name, detail in said.items():
        assert name in report
        assert detail in report
        assert any(line.startswith(name) and detail in line for line in dropped)


def test_fail_names_the_first_ten_and_the_number(arguments: list[str], pets: Path, tmp_path: Path) -> None:
    damaged_pets(pets)
    there = {"page0.png": "cat", "page1.png": "dog"}
    (pets / "annotations.json").write_text(generated.ecotag_export({f"no{i:02}.png": "cat" for i in range(25)} | there))
    outcome = run_extract(arguments)
    assert_refused(outcome, 1, "Every annotated image must exist", "no00.png", "no09.png", "first 10 of 25", "drop")
    assert "no10.png" not in outcome.stderr
    assert_nothing_written(tmp_path / "out", tmp_path / "datasets")


def test_a_wrong_extension_is_no_fault(tmp_path: Path) -> None:
    files = {
        "a.jpg": generated.image_bytes(1),
        "b.png": generated.image_bytes(2, format="JPEG"),
        "c": generated.image_bytes(3),
    }
    generated.write_files(tmp_path / "images", files)
    (tmp_path / "annotations.csv").write_text("file,label\na.jpg,cat\nb.png,dog\nc,cat\n")
    arguments = extract_arguments(
        tmp_path / "out", tmp_path / "annotations.csv", tmp_path / "images", tmp_path / "sets"
    )
    assert {sample.sample_id for sample in run_extract(arguments).dataset().samples()} == set(files)


def test_a_link_out_of_the_folder_is_not_followed(arguments: list[str], pets: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(generated.image_bytes(99))
    (pets / "images/page0.png").unlink()
    (pets / "images/page0.png").symlink_to(secret)
    with never_opened(secret):
        assert_refused(run_extract(arguments), 1, "A link must not lead out of its folder", "page0.png")
    assert_nothing_written(tmp_path / "out", tmp_path / "datasets")


def test_a_linked_folder_is_not_listed(arguments: list[str], pets: Path, tmp_path: Path) -> None:
    generated.write_files(tmp_path / "elsewhere", {"secret.png": generated.image_bytes(99)})
    (pets / "images/cat").symlink_to(tmp_path / "elsewhere")
    (pets / "annotations.json").write_text(generated.ecotag_export({"cat/secret.png": "cat", "page1.png": "dog"}))
    with never_opened(tmp_path / "elsewhere/secret.png"):
        assert_refused(run_extract(arguments), 1, "cat/secret.png is missing")


def test_a_pipe_among_the_images_does_not_block(arguments: list[str], pets: Path) -> None:
    (pets / "images/page0.png").unlink()
    os.mkfifo(pets / "images/page0.png")
    assert_refused(run_extract(arguments), 1, "page0.png is missing")


watched: list[Path] = []
opened: list[str] = []


def _note_open(event: str, arguments: tuple[object, ...]) -> None:
    if watched and event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
        opened.append(os.path.realpath(os.fsdecode(arguments[0])))


sys.addaudithook(_note_open)  # It cannot be removed, so it works only while something is watched.


@contextmanager
def never_opened(path: Path):
    """Check that nothing opens `path`, by whatever name, and that it stays as it is."""
    watched.append(path)
    opened.clear()
    before = path.read_bytes() if path.is_file() else b""
    opened.clear()
    try:
        yield
    finally:
        watched.clear()
    assert str(path.resolve()) not in opened
    assert opened, "the watch itself must work"
    assert path.read_bytes() == before


HOSTILE_NAMES = [
    *("../secret.png", "a/../../secret.png", "..\\secret.png", "SECRET", "file://SECRET", "/etc/passwd", "..", "-rf"),
    *("./../secret.png", "~/secret.png", "%2e%2e/secret.png", "C:\\secret.png", "../datasets/x", "NUL", "$(id).png"),
    *(
        "a" * 10_000,
        "a/" * 600 + "b.png",
        "page0.png\0.jpg",
        "\u202egnp.exe",
        "e\u0301.png",
        "\ud800.png",
        "\u2028.png",
    ),
]
HOSTILE_LABELS = ["../x", "/abs", "a\0b", "", " ", "<script>alert(1)</script>", "日本", 'a,b"c\n', "x" * 10_000]
names = st.sampled_from(["page0.png", *HOSTILE_NAMES]) | st.text(max_size=30)
labels = st.sampled_from(["cat", "dog", *HOSTILE_LABELS]) | st.text(max_size=20)


@pytest.fixture(scope="module")
def hostile_place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    generated.write_files(folder / "images", generated.noise_images(2))
    (folder / "secret.png").write_bytes(generated.image_bytes(99))
    return folder


@settings(max_examples=60)
@given(st.dictionaries(names, labels, min_size=1, max_size=4), st.sampled_from(["fail", "drop"]))
@example({"../secret.png": "cat", "page0.png": "dog", "page1.png": "cat"}, "drop")
@example({"page0.png": "<script>alert(1)</script>", "page1.png": "../../x"}, "drop")
@example({"page0.png": "dog", "page1.png": "cat", "\u202egnp.exe": "cat"}, "drop")
def test_hostile_names_and_labels_reach_nothing_outside(
    hostile_place: Path, annotated: dict[str, str], on_bad_sample: str
) -> None:
    folder, secret = hostile_place, hostile_place / "secret.png"
    annotated = {name.replace("SECRET", str(secret)): label for name, label in annotated.items()}
    (folder / "run").mkdir(exist_ok=True)
    (folder / "run/annotations.json").write_text(generated.ecotag_export(annotated))
    arguments = extract_arguments(
        folder / "run/out", folder / "run/annotations.json", folder / "images", folder / "run/datasets",
        on_bad_sample=on_bad_sample,
    )  # fmt: skip
    with never_opened(secret):
        outcome = run_extract(arguments)
    assert outcome.code == 0 or assert_refused(outcome, 1) is None
    assert {path.name for path in folder.iterdir()} == {"images", "secret.png", "run"}
    assert {path.name for path in (folder / "run").iterdir()} <= {"annotations.json", "out", "datasets"}
    assert {path.name for path in (folder / "images").iterdir()} == {"page0.png", "page1.png"}
    if outcome.code == 0:
        assert {s.sample_id for s in outcome.dataset().samples()} <= {"page0.png", "page1.png"}
        assert "<script>alert" not in (folder / "run/out/report.html").read_text()


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(name=names)
def test_hostile_names_reach_nothing_outside_the_prefix(
    proxy: FaultProxy, bucket: Bucket, tmp_path: Path, name: str
) -> None:
    name = name.replace("SECRET", f"/{bucket.name}/secret.png")
    bucket.put({"in/images/page0.png": generated.image_bytes(0), "in/images/page1.png": generated.image_bytes(1)})
    bucket.put({"in/secret.png": generated.image_bytes(99), "secret.png": generated.image_bytes(99)})
    (tmp_path / "annotations.json").write_text(
        generated.ecotag_export({name: "cat", "page1.png": "dog", "page0.png": "cat"})
    )
    before, keys = len(proxy.requests), set(bucket.listed())
    arguments = extract_arguments(
        tmp_path / "out",
        tmp_path / "annotations.json",
        bucket.uri("in/images"),
        bucket.uri("sets"),
        on_bad_sample="drop",
    )
    outcome = run_extract(arguments)
    assert outcome.code == 0 or assert_refused(outcome, 1) is None
    asked = [request for request in proxy.requests[before:] if "list-type=2" not in request.path]
    allowed = (f"/{bucket.name}/in/images/", f"/{bucket.name}/sets/")
    assert all(request.path.startswith(allowed) and ".." not in request.path for request in asked)
    assert all(key.startswith("sets/") for key in set(bucket.listed()) - keys)


EXTRACT = """
import sys
from components.extract.step import main
code = main(sys.argv[1:])
"""
READ = """
import sys
from components.dataset.snapshot import open_dataset
dataset = open_dataset(sys.argv[1])
code = 0 if sum(1 for _ in dataset.images(dataset.samples())) == int(sys.argv[2]) else 1
"""
PEAK = """
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) * 1024)
sys.exit(code)
"""


def peak_memory(arguments: list[str], script: str = EXTRACT) -> int:
    """Return the bytes of memory that a process of its own needed at its peak."""
    done = subprocess.run([sys.executable, "-c", script + PEAK, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_decompression_bombs_cost_less_than_64_mib(arguments: list[str], pets: Path) -> None:
    without = peak_memory(arguments)
    damaged_pets(pets)
    bomb = (pets / "images/bomb.png").read_bytes()
    assert 400_000 < len(bomb) < 600_000
    generated.write_files(pets / "images", {f"bomb{i}.png": bomb + bytes([i]) for i in range(20)})
    labels = {path.name: "cat" for path in (pets / "images").glob("*bomb*")}
    labels |= generated.labels_of(generated.noise_images(12))
    (pets / "annotations.json").write_text(generated.ecotag_export(labels))
    assert peak_memory([*arguments, "--on-bad-sample", "drop"]) - without < 64 << 20


@pytest.mark.slow
def test_memory_stays_flat_as_images_grow_in_number(tmp_path: Path) -> None:
    writing, reading = [], []
    for count in (100, 600):
        folder = tmp_path / str(count)
        files = generated.noise_images(count, (320, 310))
        assert 280_000 < len(files["page0.png"]) < 320_000
        generated.write_files(folder / "images", files)
        (folder / "annotations.json").write_text(generated.ecotag_export(generated.labels_of(files)))
        places = (folder / "annotations.json", folder / "images", folder / "datasets")
        writing.append(peak_memory(extract_arguments(folder / "out", *places)))
        (dataset,) = (path.parent for path in (folder / "datasets").glob("*/dataset.json"))
        reading.append(peak_memory([str(dataset), str(count)], READ))
    # The images themselves grew by 150 MB.
    assert writing[1] - writing[0] < 48 << 20, writing
    assert reading[1] - reading[0] < 48 << 20, reading
    print("MiB of writing and reading:", *(peak >> 20 for peak in writing + reading))


def test_a_dataset_whose_image_was_replaced_is_refused(arguments: list[str]) -> None:
    dataset = run_extract(arguments).dataset()
    part = first_part(dataset)
    data = part.read_bytes()
    image = generated.image_bytes(3)
    assert image in data
    part.write_bytes(data.replace(image, image[:-20] + bytes(20)))
    with pytest.raises(DataError, match="unchanged since extract"):
        list(open_dataset(dataset.uri).images(dataset.samples()))


def test_the_function_gives_the_summary(pets: Path, tmp_path: Path) -> None:
    places = (str(pets / "annotations.json"), str(pets / "images"), f"file://{tmp_path}/datasets")
    outputs = {"samples_path": tmp_path / "samples.csv", "report_path": tmp_path / "report.html"}
    summary = extract(*places, group_pattern=r"(?P<first>page1?)", **outputs)
    assert summary.format == "ecotag"
    assert {sample.group for sample in summary.samples} == {"page", "page1"}
    assert summary.dataset_uri == str(tmp_path / "datasets" / summary.fingerprint)


def test_labelling_that_goes_on_is_said(pets: Path, arguments: list[str], tmp_path: Path) -> None:
    labels = generated.labels_of(generated.noise_images(11))
    envelope = {"numberAnnotationsDone": 11, "numberAnnotationsToDo": 30}
    (pets / "annotations.json").write_text(generated.ecotag_export(labels, **envelope))
    outcome = run_extract(arguments)
    assert outcome.code == 0
    for text in (outcome.stderr, (tmp_path / "out/report.html").read_text()):
        assert "11 of 30 annotations are done" in text
        assert "1 listed file has no annotation" in text


def test_images_of_every_kind_keep_their_bytes(tmp_path: Path) -> None:
    kinds = {
        f"{i}.{format.lower()}": generated.image_bytes(i, format=format)
        for i, format in enumerate(("PNG", "JPEG", "WEBP", "BMP"))
    }
    generated.write_files(tmp_path / "images", kinds)
    (tmp_path / "annotations.json").write_text(generated.ecotag_export(generated.labels_of(kinds)))
    arguments = extract_arguments(
        tmp_path / "out", tmp_path / "annotations.json", tmp_path / "images", tmp_path / "sets"
    )
    dataset = run_extract(arguments).dataset()
    assert {sample.sample_id: data for sample, data in dataset.images(dataset.samples())} == kinds
    assert io.BytesIO(kinds["0.png"]).read(4) == b"\x89PNG"
