"""What a store's refusal means: the codes of S3 and its kin, and what boto3 says of itself, each with what to do."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from components.step.addresses import bucket_and_prefix
from components.step.errors import one_line
from components.storage.s3_objects import OF_THE_REGION, code_of
from pipeline.doctor.given import Given

STORE, KEYS, REGION, BUCKET, CLOCK = "store", "store keys", "store region", "store bucket", "clock"


class Cause(NamedTuple):
    """What is wrong with which subject, and what to do."""

    subject: str
    sentence: str
    advice: str


# `{source}` is where the keys are from, `{bucket}` the bucket, `{what}` what was asked, `{uri}` of what.
CODES: Mapping[str, Cause] = {
    "InvalidAccessKeyId": Cause(
        KEYS, "wrong key: the store does not know the access key of {source}", "Correct AWS_ACCESS_KEY_ID there"
    ),
    "SignatureDoesNotMatch": Cause(
        KEYS,
        "wrong key: the secret key of {source} does not belong to its access key",
        "Correct AWS_SECRET_ACCESS_KEY there; a proxy that rewrites requests does the same",
    ),
    "ExpiredToken": Cause(
        KEYS, "expired token: the session of {source} has ended", "Take new keys (AWS_SESSION_TOKEN)"
    ),
    "InvalidToken": Cause(KEYS, "the session token of {source} is none of this store", "Correct AWS_SESSION_TOKEN"),
    "RequestTimeTooSkewed": Cause(
        CLOCK, "clock skew: this machine's clock and the store's are more than 15 minutes apart", "Set the clock (NTP)"
    ),
    "NoSuchBucket": Cause(BUCKET, "there is no bucket {bucket}", "Make it, or correct the parameter that names it"),
    "InvalidBucketName": Cause(BUCKET, "{bucket} is no bucket's name", "Correct the parameter that names it"),
    "AccessDenied": Cause(
        "store rights",
        "the keys of {source} may not {what} {uri}",
        "Give them s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject there",
    ),
    "SecondLevelDomainForbidden": Cause(
        STORE, "wrong path style: this store wants buckets in its host name", "Name an address that takes paths"
    ),
    "QuotaExceeded": Cause(BUCKET, "the quota of bucket {bucket} is used up", "Raise it, or delete old datasets"),
    "XMinioStorageFull": Cause(STORE, "the store's disks are full", "Make room in it"),
}
ALIASES = {
    "403": "AccessDenied",
    "AllAccessDisabled": "AccessDenied",
    "AccountProblem": "AccessDenied",
    "InvalidClientTokenId": "InvalidAccessKeyId",
    "ExpiredTokenException": "ExpiredToken",
    "TokenRefreshRequired": "ExpiredToken",
    "404": "NoSuchBucket",
    "XMinioAdminBucketQuotaExceeded": "QuotaExceeded",
    "507": "XMinioStorageFull",
    "InsufficientStorage": "XMinioStorageFull",
    "RequestExpired": "RequestTimeTooSkewed",
}
# boto3's own errors, by their names.
OWN: Mapping[str, Cause] = {
    "NoCredentialsError": Cause(
        KEYS, "there are no keys in {source}", "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    ),
    "PartialCredentialsError": Cause(
        KEYS, "one of the two keys is missing in {source}", "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    ),
    "CredentialRetrievalError": Cause(KEYS, "the keys of {source} cannot be had", "Log in to your provider again"),
    "InvalidRegionError": Cause(
        REGION, "AWS_DEFAULT_REGION of {source} is no region's name", "Correct it, such as eu-west-1"
    ),
    "ProxyConnectionError": Cause(
        STORE, "the proxy of HTTPS_PROXY or HTTP_PROXY does not answer", "Set NO_PROXY to the store's host"
    ),
    "ResponseParserError": Cause(
        STORE, "something answers that is no S3 store", "Name the address and port of the S3 API itself"
    ),
    "InvalidProxiesConfigError": Cause(STORE, "HTTPS_PROXY is no address", "Correct it"),
}


def cause_of(error: Exception, given: Given, uri: str, what: str) -> Cause:
    """Return the cause that `error` of boto3 stands for, of `what` was asked of `uri`."""
    response = getattr(error, "response", None)
    said = response.get("Error", {}) if isinstance(response, dict) else {}
    code = code_of(error) if said else ""  # type: ignore[arg-type]  # A ClientError, as it has a response.
    if code in OF_THE_REGION:
        return wrong_region(given, response)
    known = CODES.get(ALIASES.get(code, code)) or OWN.get(type(error).__name__)
    if known is None:
        return Cause(STORE, f"it refuses to {what} {one_line(uri, 160)}: {one_line(error, 200)}", "Look at its log")
    words = {
        "source": given.source,
        "bucket": one_line(bucket_and_prefix(uri)[0], 80),
        "what": what,
        "uri": one_line(uri, 160),
    }
    return Cause(known.subject, known.sentence.format(**words), known.advice.format(**words))


def wrong_region(given: Given, response: Any) -> Cause:
    """Return the cause of a `response` of boto3 whose code is one OF_THE_REGION."""
    said = response.get("Error", {})
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    expected = one_line(said.get("Region") or headers.get("x-amz-bucket-region") or "", 40)
    received = one_line(given.variables.get("AWS_DEFAULT_REGION") or "none", 40)
    sentence = f"wrong region: the bucket is in {expected or 'another one'}, AWS_DEFAULT_REGION of {given.source} is "
    sentence += received
    return Cause(REGION, sentence, f"Set it to {expected}" if expected else "Set it to the bucket's region")
