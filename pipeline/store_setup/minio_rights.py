"""Policies and users of a MinIO, by the admin part of its SDK; each key for runs is a user with the policy alone."""

import re
import secrets
from collections.abc import Callable
from typing import Any

from components.step.errors import ServiceError, one_line
from components.step.strict_json import read_json
from pipeline.store_setup.policy import Policy
from pipeline.store_setup.s3_server import Keys, S3Server, spoken_with

STATUS = re.compile(r"Status: (\d{3})")
CODE = re.compile(r"\b(XMinio\w+|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch)\b")
NO_SUCH = ("XMinioAdminNoSuchPolicy", "XMinioAdminNoSuchUser")


class NoAdmin(ServiceError):
    """MinIO does not let this key administer it."""


class _Unknown(NoAdmin):
    """It does not know the request: an old one, or a proxy stands before it."""


class MinioRights:
    """The policies and users of a MinIO."""

    def __init__(self, server: S3Server) -> None:
        """Ask nothing yet."""
        self._server = server

    def policy(self, name: str) -> Policy | None:
        """Return the policy called `name`, None where there is none.

        Raises:
            NoAdmin: the key is no administrator's.
            ServiceError: MinIO does not answer, or not as it should.
        """
        return self._looked_up("say its policies", lambda: self._server.admin.policy_info(name))

    def put_policy(self, name: str, policy: Policy) -> None:
        """Make `policy`, or make it anew; errors are as in `policy`."""
        self._asked("take a policy", lambda: self._server.admin.policy_add(name, policy=policy))

    def policies_of(self, access: str) -> tuple[str, ...]:
        """Return the names of the policies of the user called `access`, none where there is no such user."""
        found = self._looked_up("say its users", lambda: self._server.admin.user_info(access)) or {}
        return tuple(filter(None, str(found.get("policyName") or "").split(",")))

    def make_user(self, policy: str) -> Keys:
        """Make a user with the rights of `policy`, and return its keys; errors are as in `policy`."""
        # At most 20 characters, for a MinIO of before 2020.
        keys = Keys(f"pawline-{secrets.token_hex(5)}", secrets.token_urlsafe(30))
        self._asked("make a user", lambda: self._server.admin.user_add(keys.access, keys.secret))
        try:
            self._give(policy, keys.access)
        except BaseException:
            self.remove_user(keys)
            raise
        return keys

    def remove_user(self, keys: Keys) -> None:
        """Remove the user of `keys`; errors are as in `policy`."""
        self._asked("remove a user", lambda: self._server.admin.user_remove(keys.access))

    def _give(self, policy: str, access: str) -> None:
        try:
            self._asked("give a policy", lambda: self._server.admin.attach_policy([policy], user=access))
        except _Unknown:  # MinIO of before 2023.
            self._asked("give a policy", lambda: self._server.admin.policy_set(policy, user=access))

    def _looked_up(self, what: str, ask: Callable[[], str]) -> dict[str, Any] | None:
        answer = self._asked(what, ask, missing=True)
        if answer is None:
            return None
        with spoken_with(self._server, what):
            found = read_json(answer)
            if not isinstance(found, dict):
                raise ValueError(f"{one_line(answer, 80)}, which is no JSON object,")
            return found

    def _asked(self, what: str, ask: Callable[[], str], missing: bool = False) -> str | None:
        from minio.error import MinioAdminException

        with spoken_with(self._server, what):
            try:
                return ask()
            except MinioAdminException as error:
                status, code = _found(STATUS, error), _found(CODE, error)
                if missing and code in NO_SUCH:
                    return None
                raise self._refusal(what, status, code) from error

    def _refusal(self, what: str, status: str, code: str) -> ServiceError:
        received = f"{one_line(f'{status} {code}'.strip(), 80)} from {self._server.address} when it was to {what}"
        if status in ("401", "403"):
            return NoAdmin(
                f"The key must be an administrator's to make one for runs. Received: {received}. "
                "Set AWS_ACCESS_KEY_ID to MinIO's administrator."
            )
        if status in ("404", "405", "426") or code == "XMinioAdminVersionMismatch":
            return _Unknown(
                f"MinIO must have its admin API v3, which is there since 2020. Received: {received}. "
                "Update it, or let the proxy before it pass /minio/admin through."
            )
        return ServiceError(f"MinIO must {what}. Received: {received}. Look into its log.")


def _found(pattern: re.Pattern[str], error: Exception) -> str:
    found = pattern.search(str(error))
    return found[1] if found else ""
