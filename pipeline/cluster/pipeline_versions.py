"""The compiled pipeline on a server: found by what is in it, and uploaded where it isn't there."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from components.step.regular_files import read_regular
from pipeline.cluster.kfp_api import KfpApi
from pipeline.cluster.shapes import given

DIGITS = 12  # Of the content's sha256 in a version's name.


@dataclass(frozen=True, slots=True)
class PipelineVersion:
    """A version of a pipeline, by ids; without ids it would have to be uploaded."""

    name: str
    pipeline_id: str = ""
    version_id: str = ""

    def as_reference(self) -> dict[str, str]:
        """Return it as the KFP API takes it in a run."""
        return {"pipeline_id": self.pipeline_id, "pipeline_version_id": self.version_id}


def version_name(pipeline: str, path: Path) -> str:
    """Return the name of the version of `pipeline` that the file at `path` is: the same content, the same name."""
    return f"{pipeline}-{hashlib.sha256(read_regular(path)).hexdigest()[:DIGITS]}"


def find_version(kfp: KfpApi, pipeline: str, path: Path) -> PipelineVersion:
    """Return the version of `pipeline` that has the content of the file at `path`, as far as the server has it.

    Raises:
        DataError, ServiceError: the server refuses or does not answer.
    """
    name = version_name(pipeline, path)
    pipeline_id = find_pipeline(kfp, pipeline)
    if not pipeline_id:
        return PipelineVersion(name)
    found = kfp.find(f"/pipelines/{pipeline_id}/versions", "pipeline_versions", name)
    return PipelineVersion(name, pipeline_id, given(found, "pipeline_version_id") if found else "")


def find_pipeline(kfp: KfpApi, name: str) -> str:
    """Return the id of the pipeline called `name`, "" where the server has none. Errors are as in `find_version`."""
    found = kfp.find("/pipelines", "pipelines", name, kfp.of_namespace)
    return given(found, "pipeline_id") if found else ""


def uploaded_version(kfp: KfpApi, pipeline: str, path: Path, version: PipelineVersion) -> PipelineVersion:
    """Return `version`, that of the file at `path` as `find_version` has found it, made where it isn't there.

    Raises:
        DataError: the server refuses the pipeline.
        ServiceError: it does not answer.
    """
    if version.version_id:
        return version
    pipeline_id = version.pipeline_id or _made_pipeline(kfp, pipeline)
    query = {"name": version.name, "pipelineid": pipeline_id}
    answer = kfp.call("POST", "/pipelines/upload_version", query, files={"uploadfile": path})
    return PipelineVersion(version.name, pipeline_id, given(answer, "pipeline_version_id"))


def _made_pipeline(kfp: KfpApi, name: str) -> str:
    # Made empty, so that its first version gets a name from its content, as every other.
    body = {"display_name": name, **kfp.of_namespace}
    return given(kfp.call("POST", "/pipelines", body=body), "pipeline_id")
