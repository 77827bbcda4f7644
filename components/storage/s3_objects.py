"""Requests about the objects below one prefix of a bucket: tried again, ended in time, their failures as one line."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from components.step.deadline import Deadline, Overdue, within
from components.step.errors import ServiceError, one_line
from components.step.secrets import without_secret_values
from components.storage.names import check_name
from components.storage.store import ObjectChanged, ObjectDamaged, ObjectMissing, ObjectUnreadable
from components.storage.verification import Facts

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Result = TypeVar("Result")

ATTEMPTS = 5
UNKNOWN = ("400", "405", "501")  # What stores answer to a HEAD whose options they do not know.
# What AWS and its kin answer to a request for another region than the bucket's; to HEAD without a body, a bare 301.
OF_THE_REGION = ("AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException", "301")
DAMAGED_ON_THE_WAY = ("BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "IncompleteBody")


class BrokeOff(Exception):
    """An answer whose body ended early or paused for too long."""


class Damaged(Exception):
    """An exchange whose bytes arrived as others."""


@dataclass(frozen=True, slots=True)
class S3Objects:
    """The objects of `bucket` below `prefix`, which is empty or ends in "/"; `endpoint` is where, for messages."""

    client: "Callable[[], S3Client]"
    endpoint: Callable[[], str | None]
    bucket: str
    prefix: str

    def uri(self, name: str = "") -> str:
        """Return the `s3://` URI of the object called `name`."""
        return f"s3://{self.bucket}/{self.prefix}{name}".rstrip("/")

    def where(self, name: str) -> dict[str, Any]:
        """Return what says in a request which object is meant."""
        return {"Bucket": self.bucket, "Key": self.prefix + check_name(name)}

    def head(self, name: str, **asked: Any) -> Facts:
        """Return what the store says of the object when it is `asked` so."""
        return self.asked(name, lambda: self.client().head_object(**self.where(name), **asked))

    def offered(self, name: str, **asked: Any) -> Facts:
        """Return the same, nothing where the store does not know such a question."""
        try:
            return self.head(name, **asked)
        except ServiceError as error:
            if isinstance(error.__cause__, ClientError) and code_of(error.__cause__) in UNKNOWN:
                return {}
            raise

    def get(self, name: str, deadline: Deadline, check: Callable[[int], None], **asked: Any) -> tuple[bytes, Facts]:
        """Return the object's bytes, or of the range `asked` for; `check` is told their number before they are read.

        Raises:
            BrokeOff: the answer ended early; `tried` does it again.
        """
        found = self.client().get_object(**self.where(name), **asked)
        deadline.allow(found["ContentLength"])
        with found["Body"] as body:
            check(found["ContentLength"])
            try:
                return body.read(), found
            except (BotoCoreError, HTTPError) as error:  # botocore retries what breaks before the body, not this.
                raise BrokeOff(f"the answer broke off {ATTEMPTS} times ({type(error).__name__})") from error

    def tried(self, name: str, attempt: Callable[[Deadline], Result], deadline: Deadline | None = None) -> Result:
        """Return what `attempt` does, repeated with growing pauses where it raises BrokeOff or Damaged.

        All ends by `deadline`, a new one if none is given.

        Raises:
            ObjectDamaged: each attempt ended with Damaged, the last one at least.
            ServiceError: the last one broke off, or all of them took too long.
        """
        deadline = deadline or Deadline()
        for number in range(1, ATTEMPTS + 1):
            try:
                return self.asked(name, lambda: attempt(deadline), deadline)
            except (BrokeOff, Damaged) as error:
                if number == ATTEMPTS:
                    raise self._given_up(name, error) from error
                time.sleep(0.1 * 2**number)
        raise AssertionError("every attempt returns or raises")

    def asked(self, name: str, request: Callable[[], Result], deadline: Deadline | None = None) -> Result:
        """Return the answer to `request` about the object called `name`, its failures as one line."""
        try:
            return within(deadline or Deadline(), request)
        except ClientError as error:
            raise self._refused(name, error) from error
        except (BotoCoreError, Boto3Error, Overdue) as error:
            raise self.failed(name, str(error)) from error

    def changed(self, name: str) -> ObjectChanged:
        """Return the error of an object that was replaced while it was read."""
        return ObjectChanged(
            f"An object must not change while it is read. Received: {one_line(self.uri(name))}. Run again."
        )

    def failed(self, name: str, reason: str, advice: str = "Check endpoint, keys and bucket") -> ServiceError:
        """Return the error of a store that did not do its part."""
        received = f"{one_line(reason)} for {one_line(self.uri(name))}"
        where = self.endpoint() or "AWS"
        rule = f"The S3 store at {where} must answer"
        return ServiceError(without_secret_values(f"{rule}. Received: {received}. {advice}."))

    def _refused(self, name: str, error: ClientError) -> Exception:
        code = code_of(error)
        if code in ("NoSuchKey", "404"):
            return ObjectMissing(f"The object must exist. Received: {one_line(self.uri(name))}. Check the URI.")
        if code in ("PreconditionFailed", "412"):
            return self.changed(name)
        reason = f"{code}: {error.response.get('Error', {}).get('Message', '')}"
        if code == "InvalidObjectState":  # Of this object alone, unlike keys, rights and regions.
            return ObjectUnreadable(str(self.failed(name, reason)), f"is archived and must be restored first ({code})")
        if code in OF_THE_REGION:
            return self.failed(name, reason, "Set AWS_DEFAULT_REGION to the bucket's region")
        return self.failed(name, reason)

    def _given_up(self, name: str, error: Exception) -> ObjectDamaged | ServiceError:
        if isinstance(error, BrokeOff):
            return self.failed(name, str(error))
        return ObjectDamaged(
            "An object must arrive as its store keeps it. "
            f"Received: {one_line(self.uri(name))}: {error}, {ATTEMPTS} times. Check the line, or store it again."
        )


def code_of(error: ClientError) -> str:
    """Return S3's word for what went wrong, the HTTP status where there is none."""
    return str(error.response.get("Error", {}).get("Code", ""))
