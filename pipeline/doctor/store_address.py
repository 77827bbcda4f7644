"""What the address of a store says by itself, before anyone is asked."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from components.step.addresses import bucket_and_prefix
from components.step.errors import one_line
from pipeline.doctor.finding import Finding, wrong
from pipeline.doctor.given import Given

SUBJECT = "store address"
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
ENDPOINT, OLD_ENDPOINT, CONNECTION = "AWS_ENDPOINT_URL_S3", "MLFLOW_S3_ENDPOINT_URL", "AWS_S3_ENDPOINT"


def endpoint_of(given: Given) -> str:
    """Return the address of the store, "" for AWS itself."""
    return given.variables.get(ENDPOINT) or given.variables.get(OLD_ENDPOINT) or ""


def says_where(given: Given) -> bool:
    """Tell whether what is `given` says of any store: a pod's secret does, an environment may."""
    return given.in_cluster or any(name in given.variables for name in (ENDPOINT, OLD_ENDPOINT, *KEYS, "AWS_PROFILE"))


def lacks_keys(given: Given) -> bool:
    """Tell whether the pods' keys are none that could be tried here: workload identity gives pods theirs."""
    return given.in_cluster and not all(given.variables.get(name) for name in KEYS)


def bad_address(given: Given, places: Mapping[str, str]) -> Finding | None:
    """Return what is wrong with the address: a bucket in it, a path, or the name that only a data connection has."""
    endpoint = endpoint_of(given)
    named = CONNECTION if given.in_cluster else ENDPOINT
    if not endpoint and given.variables.get(CONNECTION):
        sentence = f"{CONNECTION} is set, and not {ENDPOINT}, which boto3 reads"
        return wrong(SUBJECT, sentence, f"Set {ENDPOINT} to the same")
    try:
        parts = urlsplit(endpoint)
    except ValueError:
        return None  # Said by whoever tries to reach it.
    first, dot, _ = (parts.hostname or "").partition(".")
    if dot and first in {bucket_and_prefix(uri)[0] for uri in places.values()}:
        sentence = f"wrong path style: the bucket {first} stands in the store's address too, {one_line(endpoint, 120)}"
        return wrong(SUBJECT, sentence, f"Leave it out of {named}: parameters name buckets, s3://{first}/…")
    if parts.hostname and (parts.path.strip("/") or parts.query):
        sentence = f"wrong path style: the store's address has more than host and port, {one_line(endpoint, 120)}"
        return wrong(SUBJECT, sentence, f"Leave {one_line(parts.path, 60)} out of {named}")
    return None
