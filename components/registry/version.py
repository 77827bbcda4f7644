"""One version of a registered model in MLflow; light, for the serving image, which has no database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow import MlflowClient

PREFIX = "pawline."


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the registered model; `tags` are our own, without their prefix."""

    number: str
    source: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    def tag(self, name: str) -> str:
        """Return the tag `name`, "" if there is none."""
        return self.tags.get(name, "")


def find_version(client: "MlflowClient", model_name: str, number: str) -> Version | None:
    """Return the version of `model_name` called `number`, None if there is none; raises what MLflow does."""
    found = or_none(client.get_model_version, model_name, number)
    return described(found) if found else None


def or_none(ask: Any, *arguments: str) -> Any:
    """Return what `ask` of MLflow's client returns, None where that says there is no such thing."""
    from mlflow.exceptions import MlflowException

    try:
        return ask(*arguments)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def described(version: Any) -> Version:
    """Return MLflow's `version` as ours."""
    tags = {name.removeprefix(PREFIX): value for name, value in version.tags.items() if name.startswith(PREFIX)}
    return Version(str(version.version), version.source, tags)
