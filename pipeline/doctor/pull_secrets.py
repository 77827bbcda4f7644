"""The logins of a step's pull secrets, and of those that its service account brings."""

from pipeline.doctor.finding import NotChecked
from pipeline.doctor.given import read_secret
from pipeline.doctor.namespace import account_object, account_of
from pipeline.doctor.needs import StepNeeds
from pipeline.doctor.registries import logins_in
from pipeline.doctor.setup import Setup

KEY = ".dockerconfigjson"


def logins_of(setup: Setup, step: StepNeeds) -> dict[str, str]:
    """Return base64 of user:password by registry, as far as the secrets may be read."""
    logins: dict[str, str] = {}
    for name in (*step.pull_secrets, *_of_account(setup)):
        try:
            logins = logins_in((read_secret(setup, name) or {})[KEY]) | logins
        except (NotChecked, LookupError, ValueError, AttributeError):
            continue  # Said by the check of secrets.
    setup.secrets.update({f"PASSWORD_{number}": login for number, login in enumerate(logins.values())})
    return logins


def _of_account(setup: Setup) -> list[str]:
    try:
        found = account_object(setup, account_of(setup))
    except NotChecked:
        return []
    return [each["name"] for each in (found or {}).get("imagePullSecrets") or [] if "name" in each]
