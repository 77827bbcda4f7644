"""Where the environment says that S3 is, and what is wrong with what it says."""

import os
import re

import boto3

from components.step.errors import UsageError, one_line
from components.step.secrets import without_secret_values

REGION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


def endpoint() -> str | None:
    """Return the endpoint that the environment names, None for AWS itself."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("MLFLOW_S3_ENDPOINT_URL") or None


def bad_environment() -> UsageError:
    """Return the error of an environment of which boto3 makes no client."""
    region = os.environ.get("AWS_DEFAULT_REGION", boto3.Session().region_name)
    if region is not None and not REGION.fullmatch(region):
        received = f"AWS_DEFAULT_REGION={one_line(repr(region), 80)}"
        return UsageError(f"AWS_DEFAULT_REGION must be a region such as eu-west-1. Received: {received}. Correct it.")
    received = without_secret_values(one_line(endpoint()))
    return UsageError(f"AWS_ENDPOINT_URL_S3 must be a URL. Received: {received}. Correct it.")
