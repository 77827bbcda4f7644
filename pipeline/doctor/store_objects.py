"""Objects of a store, asked for with given keys: what it says becomes a cause and what to do."""

import functools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any, TypeVar

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from components.step.addresses import bucket_and_prefix
from components.step.errors import ServiceError, one_line
from components.storage.s3 import PROBE, client_config
from components.storage.s3_objects import OF_THE_REGION
from pipeline.doctor.answers import Answer, answer_of
from pipeline.doctor.finding import Finding, note, well, wrong
from pipeline.doctor.given import Given
from pipeline.doctor.store_refusals import cause_of, wrong_region

SUBJECT, CLOCK = "store", "clock"
# S3 refuses what was signed more than fifteen minutes ago, or ahead.
MOST_SECONDS_OFF, SECONDS_TO_NOTE = 15 * 60, 60
MAKING = threading.Lock()  # Clients of one session are made one after the other.
Result = TypeVar("Result")


class Refused(Exception):
    """The store does not do what a run needs; it would say the same to every other question."""

    def __init__(self, subject: str, sentence: str, advice: str) -> None:
        super().__init__(sentence)
        self.subject, self.sentence, self.advice = subject, sentence, advice


class StoreObjects:
    """The objects of the store at `endpoint`, "" for AWS itself, with the keys that are `given`."""

    def __init__(self, given: Given, endpoint: str) -> None:
        """Ask nothing yet."""
        self._given, self._endpoint = given, endpoint
        self._where = one_line(endpoint, 120) or "AWS"
        self._of_other_region: list[Any] = []
        self._client = self._asked("", self._made)
        self._client.meta.events.register_first("needs-retry.s3", self._note_region)

    def answers(self, uri: str) -> Iterator[Finding]:
        """Yield how far the store's clock is from this machine's, having seen that an S3 store answers at all.

        Raises:
            Refused: something else answers.
        """
        if not self._endpoint:
            return
        answer = self._plain(bucket_and_prefix(uri)[0])
        if answer.wants_tls:
            raise Refused(SUBJECT, f"{self._where} wants TLS", "Write https:// in the address")
        if answer.is_page:
            sentence = f"{self._where} answers {answer.status} with a page instead of XML"
            raise Refused(SUBJECT, f"{sentence}: a console, a proxy or a login", "Name address and port of the S3 API")
        with suppress(KeyError, TypeError, ValueError):
            yield from _clock(parsedate_to_datetime(answer.headers["date"]).timestamp() - time.time())

    def _plain(self, bucket: str) -> Answer:
        """Return what is answered to whoever has no keys."""
        question = f"{self._endpoint.rstrip('/')}/{bucket}?list-type=2&max-keys=0"
        try:
            return answer_of(question, {}, self._given.ca_bundle)
        except ServiceError as error:
            advice = "Is TLS spoken there? Write https://, or name the port of S3"
            raise Refused(SUBJECT, f"{self._where} breaks off: {error}", advice) from error

    def can_be_read(self, name: str, uri: str) -> Finding:
        """Return whether something lies at `uri`, the value of the parameter called `name`."""
        bucket, prefix = bucket_and_prefix(uri)
        found = self._asked(uri, lambda: self._client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1))
        if not found.get("KeyCount", len(found.get("Contents", []))):
            return wrong(
                f"{SUBJECT} ({name})", f"nothing lies at {one_line(uri, 160)}", f"Correct {name}, or upload it"
            )
        return well(
            f"{SUBJECT} ({name})",
            f"{one_line(uri, 160)} at {self._where} is there, with the keys of {self._given.source}",
        )

    def can_be_written(self, name: str, uri: str) -> Finding:
        """Return whether objects can be listed, put and deleted below `uri`."""
        bucket, prefix = bucket_and_prefix(uri)
        probe = {"Bucket": bucket, "Key": f"{prefix.rstrip('/')}/{PROBE}".lstrip("/")}
        subject, shown = f"{SUBJECT} ({name})", one_line(uri, 160)
        self._asked(uri, lambda: self._client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1))
        self._asked(uri, lambda: self._client.put_object(**probe, Body=b""), "put objects below")
        try:
            self._asked(uri, lambda: self._client.delete_object(**probe), "delete objects below")
        except Refused as refused:
            return note(subject, f"{shown} is written, but not deleted from: {refused.sentence}", refused.advice)
        return well(
            subject, f"{shown} at {self._where} is listed, written and deleted, with the keys of {self._given.source}"
        )

    def bytes_below(self, uri: str, most_pages: int) -> tuple[int, bool]:
        """Return how many bytes lie below `uri` by its first `most_pages` of 1,000 objects, and whether these are all.

        Raises:
            Refused: they are not listed.
        """
        bucket, prefix = bucket_and_prefix(uri)
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        listed = self._asked(uri, lambda: list(islice(pages, most_pages)))
        sizes = sum(found["Size"] for page in listed for found in page.get("Contents", []))
        return sizes, not listed[-1].get("IsTruncated", False)

    def _asked(self, uri: str, ask: Callable[[], Result], what: str = "list") -> Result:
        try:
            answer = ask()
            if self._of_other_region:
                cause = wrong_region(self._given, self._of_other_region[0])
                raise Refused(cause.subject, f"{self._where}: {cause.sentence}", cause.advice)
            return answer
        except (ClientError, BotoCoreError, ValueError) as error:
            cause = cause_of(error, self._given, uri, what)
            raise Refused(cause.subject, f"{self._where}: {cause.sentence}", cause.advice) from error

    def _note_region(self, response: Any = None, **_: Any) -> None:
        """Keep a refusal because of the region, which boto3 then asks for: a detour, and not for every store."""
        if response and response[1].get("Error", {}).get("Code") in OF_THE_REGION:
            self._of_other_region.append(response[1])

    def _made(self) -> Any:
        keys, endpoint = self._given.variables, self._endpoint or None
        config, verify = client_config(endpoint, 2), str(self._given.ca_bundle) if self._given.ca_bundle else None
        if not self._given.in_cluster:  # boto3 finds keys by itself then, in its files too.
            return boto3.Session().client("s3", endpoint_url=endpoint, config=config, verify=verify)
        named = {
            "aws_access_key_id": keys["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": keys["AWS_SECRET_ACCESS_KEY"],
            "aws_session_token": keys.get("AWS_SESSION_TOKEN"),
            "region_name": keys.get("AWS_DEFAULT_REGION", "us-east-1"),
        }
        with MAKING:
            return _session().client("s3", endpoint_url=endpoint, config=config, verify=verify, **named)


@functools.cache
def _session() -> Any:
    """Return the session of all clients whose keys are given: each new one would read boto3's model of S3 again."""
    return boto3.Session()


def _clock(ahead: float) -> Iterator[Finding]:
    where = "ahead of" if ahead > 0 else "behind"
    off = f"clock skew: the store's clock is {abs(ahead) / 60:.0f} minutes {where} this machine's"
    if abs(ahead) > MOST_SECONDS_OFF:
        yield wrong(
            CLOCK, f"{off}; S3 refuses more than 15", "Set the clock that is wrong (NTP), here and on the nodes"
        )
    elif abs(ahead) > SECONDS_TO_NOTE:
        yield note(CLOCK, off, "Set the clock that is wrong (NTP)")
    else:
        yield well(CLOCK, "the store's clock and this machine's agree")
