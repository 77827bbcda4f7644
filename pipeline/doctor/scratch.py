"""Room for temporary files: extract and train keep all images on disk for a while, on a volume or the node's own."""

from collections.abc import Iterable, Iterator

from components.step.errors import one_line
from pipeline.doctor.finding import Finding, NotChecked, well, wrong
from pipeline.doctor.given import given_to
from pipeline.doctor.needs import StepNeeds
from pipeline.doctor.quantities import amount, written
from pipeline.doctor.reach import trouble_reaching
from pipeline.doctor.setup import Setup
from pipeline.doctor.store_address import endpoint_of, lacks_keys, says_where
from pipeline.doctor.store_objects import Refused, StoreObjects

SUBJECT, CLASS = "scratch", "storage class"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
PART_BYTES = 256 * 2**20  # One part of a dataset, besides all images.
MOST_PAGES = 100  # Of 1,000 objects each.


def check(setup: Setup) -> Iterable[Finding]:
    """Yield whether the volume's class is there, and whether volume or node's disk hold the images."""
    setup.in_kubernetes()
    with_volume = [step for step in setup.steps if step.scratch]
    if with_volume:
        yield _storage_class(setup, with_volume[0].scratch or ("", ""))
    yield from _room(setup, with_volume)


def _storage_class(setup: Setup, scratch: tuple[str, str]) -> Finding:
    classes = setup.listed("/apis/storage.k8s.io/v1/storageclasses", "storage classes")
    by_name = {each["metadata"]["name"]: each["metadata"].get("annotations") or {} for each in classes}
    wanted, names = scratch[1], ", ".join(sorted(by_name)) or "none"
    if wanted and wanted not in by_name:
        return wrong(
            CLASS, f"there is no {one_line(wanted, 80)}; there are: {names}", "Correct --storage-class of compile"
        )
    if not wanted and not any(notes.get(DEFAULT_CLASS) == "true" for notes in by_name.values()):
        return wrong(
            CLASS, f"none is the default, so no volume is made; there are: {names}", "Compile with --storage-class"
        )
    return well(CLASS, f"{wanted or 'the default'} is there")


def _room(setup: Setup, with_volume: list[StepNeeds]) -> Iterator[Finding]:
    uri = str(setup.parameters.get("images_uri", ""))
    if not uri.startswith("s3://"):
        return
    room = amount(with_volume[0].scratch[0]) if with_volume and with_volume[0].scratch else _node_disk(setup)
    need, all_of_them = _image_bytes(setup, uri)
    need += PART_BYTES
    at_least = "" if all_of_them else "at least "
    sentence = f"images and one part take {at_least}{written(need, 'storage')}"
    if need <= room:
        yield well(SUBJECT, f"{sentence}, there is {written(room, 'storage')}")
    else:
        where = "the volume" if with_volume else "the largest node's disk"
        larger = f"{need * 1.2 / 2**30:.0f}Gi"
        yield wrong(SUBJECT, f"{sentence}; {where} has {written(room, 'storage')}", f"Compile with --scratch {larger}")


def _node_disk(setup: Setup) -> float:
    nodes = setup.listed("/api/v1/nodes", "nodes")
    disks = [
        amount(((node.get("status") or {}).get("allocatable") or {}).get("ephemeral-storage", 0)) for node in nodes
    ]
    if not any(disks):
        raise NotChecked("no node says how large its disk is")
    return max(disks)


def _image_bytes(setup: Setup, uri: str) -> tuple[float, bool]:
    """Return how many bytes lie below `uri`, and whether all were counted."""
    given = given_to(setup, setup.steps[0], "AWS_", "AWS_CA_BUNDLE")
    endpoint = endpoint_of(given)
    if not says_where(given) or lacks_keys(given) or (endpoint and trouble_reaching(endpoint, given.ca_bundle, "")):
        raise NotChecked("the store cannot be asked for the images' sizes")
    try:
        return StoreObjects(given, endpoint).bytes_below(uri, MOST_PAGES)
    except Refused as refused:
        raise NotChecked("the images cannot be listed") from refused
