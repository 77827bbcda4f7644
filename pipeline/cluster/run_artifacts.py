"""What a run on a cluster has given, in the store where KFP's launcher puts it, and with what it was begun."""

import os
import posixpath
from collections.abc import Collection, Mapping
from typing import Any

from components.step.errors import PawlineError
from components.storage.stores import open_store
from pipeline.cluster.kfp_api import KfpApi
from pipeline.cluster.runs import ClusterRun
from pipeline.cluster.shapes import fitting

SPEC = {"root": {"inputDefinitions": {"parameters": {str: {"defaultValue": object}}}}}
ROOT = "PAWLINE_PIPELINE_ROOT"


def place_of_step(run: ClusterRun, pipeline: str, step: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return where the launcher puts what `step` of `run` gives, "" where neither environment nor run say it."""
    root = environment.get(ROOT, "").strip() or str((run.answer.get("runtime_config") or {}).get("pipeline_root") or "")
    return posixpath.join(root.rstrip("/"), pipeline, run.id, step) if root else ""


def artifacts_below(place: str, names: Collection[str]) -> dict[str, str]:
    """Return the addresses of those artifacts called `names` that a step has put below `place`.

    They lie there, or in a folder of the execution; some are folders themselves.

    Raises:
        UsageError: `place` is no store that can be read.
        ServiceError: it does not answer.
    """
    found: dict[str, str] = {}
    for stored in open_store(place).list():
        parts = stored.name.split("/")
        if at := next((at for at, part in enumerate(parts[:2], 1) if part in names), 0):
            found[parts[at - 1]] = posixpath.join(place, *parts[:at])
    return found


def parameters_of(kfp: KfpApi, run: ClusterRun) -> dict[str, Any]:
    """Return what `run` was begun with: what was given, of the rest what its pipeline's version says, if at all."""
    given = (run.answer.get("runtime_config") or {}).get("parameters") or {}
    return {**_defaults(kfp, run), **given}


def _defaults(kfp: KfpApi, run: ClusterRun) -> dict[str, Any]:
    version = run.answer.get("pipeline_version_reference") or {}
    path = f"/pipelines/{version.get('pipeline_id')}/versions/{version.get('pipeline_version_id')}"
    try:
        found = kfp.get(path) if version else run.answer
    except PawlineError:  # It is gone.
        return {}
    spec = fitting(found, {"pipeline_spec": SPEC | {"pipeline_spec": SPEC}}).get("pipeline_spec") or {}
    inputs = (spec.get("pipeline_spec") or spec).get("root", {}).get("inputDefinitions", {})
    return {name: parameter.get("defaultValue") for name, parameter in inputs.get("parameters", {}).items()}
