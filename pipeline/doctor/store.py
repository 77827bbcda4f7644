"""The S3 store with the keys that the steps will have: reached, listed, written; and folders where a run is local."""

from collections.abc import Iterable, Iterator

from components.step.addresses import file_path
from components.step.errors import PawlineError, one_line
from components.storage.stores import open_store
from pipeline.doctor.finding import Finding, NotChecked, unchecked, well, wrong
from pipeline.doctor.given import Given, given_to
from pipeline.doctor.inside import inside_or_wrong
from pipeline.doctor.reach import trouble_reaching
from pipeline.doctor.setup import Setup
from pipeline.doctor.store_address import bad_address, endpoint_of, lacks_keys, says_where
from pipeline.doctor.store_objects import Refused, StoreObjects

SUBJECT = "store"
READ, WRITTEN = ("annotations_uri", "images_uri"), ("dataset_store", "cache_uri", "checkpoint_uri")


def check(setup: Setup) -> Iterable[Finding]:
    """Yield what the stores say that the run's parameters name."""
    places = {name: str(setup.parameters.get(name) or "") for name in (*READ, *WRITTEN)}
    in_s3 = {name: uri for name, uri in places.items() if uri.lower().startswith("s3://")}
    yield from _folders(setup, {name: uri for name, uri in places.items() if uri and name not in in_s3})
    if in_s3:
        given = given_to(setup, setup.steps[0], "AWS_", "AWS_CA_BUNDLE")
        if setup.for_cluster and not says_where(given):
            raise NotChecked("neither the secret of its keys can be read nor has this environment any")
        yield from _of_s3(setup, given, in_s3)


def _folders(setup: Setup, places: dict[str, str]) -> Iterator[Finding]:
    for name, uri in places.items():
        subject = f"{SUBJECT} ({name})"
        if setup.for_cluster:
            sentence = f"pods do not see this machine's files. Received: {name}={one_line(uri, 120)}"
            yield wrong(subject, sentence, f"Put it into the store, and name it s3://bucket/prefix by {name}")
            continue
        try:
            yield _folder(subject, uri, name in WRITTEN)
        except PawlineError as error:
            yield wrong(subject, one_line(error, 300), f"Correct {name}")


def _folder(subject: str, uri: str, written: bool) -> Finding:
    path = file_path(uri)
    if not written:
        there = path.exists()
        return (
            well(subject, f"{path} is there") if there else wrong(subject, f"{path} is not there", "Correct its path")
        )
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    if existing == path:
        open_store(uri).check_writable()
    return well(subject, f"{path} can be written" if existing == path else f"{path} will be made in {existing}")


def _of_s3(setup: Setup, given: Given, places: dict[str, str]) -> Iterator[Finding]:
    endpoint = endpoint_of(given)
    if bad := bad_address(given, places):
        yield bad
        return
    advice = (
        "Compile with --ca-bundle NAME, a ConfigMap with it"
        if given.in_cluster
        else "Name its certificate by AWS_CA_BUNDLE"
    )
    trouble = trouble_reaching(endpoint, given.ca_bundle, advice) if endpoint else None
    if trouble:
        yield from inside_or_wrong(setup, SUBJECT, endpoint, trouble)
        return
    if lacks_keys(given):
        yield unchecked(SUBJECT, f"{given.source} lacks keys: what workload identity gives, a pod alone has")
        return
    try:
        objects = StoreObjects(given, endpoint)
        clock = list(objects.answers(next(iter(places.values()))))
    except Refused as refused:
        yield wrong(refused.subject, refused.sentence, refused.advice)
        return
    yield from clock
    if any(finding.state == "wrong" for finding in clock):
        return
    # Keys that are wrong are wrong for every place: once is enough.
    yield from dict.fromkeys(_asked(objects, name, uri) for name, uri in places.items())


def _asked(objects: StoreObjects, name: str, uri: str) -> Finding:
    try:
        return objects.can_be_written(name, uri) if name in WRITTEN else objects.can_be_read(name, uri)
    except Refused as refused:
        return wrong(refused.subject, refused.sentence, refused.advice)
