"""The log of a step whose pod is gone: from the store, where the launcher puts it, else from where KFP serves it."""

import posixpath

from components.step.errors import DataError, PawlineError, one_line
from components.storage.stores import open_store
from pipeline.cluster.diagnosis import log_path
from pipeline.cluster.kfp_api import KfpApi
from pipeline.cluster.run_artifacts import ROOT, place_of_step
from pipeline.cluster.runs import ClusterRun
from pipeline.cluster.tasks import ClusterStep

LOG = "executor-logs-0"
LARGEST_BYTES = 64 * 2**20


def kept_log(kfp: KfpApi, run: ClusterRun, step: ClusterStep, pipeline: str) -> str:
    """Return the log of `step`, of a run of `pipeline`.

    Raises:
        DataError: nobody has kept it.
    """
    tried = []
    if place := place_of_step(run, pipeline, step.name):
        try:
            return _from_store(place)
        except PawlineError as error:
            tried.append(f"{one_line(place, 200)}: {error}")
    if step.node:
        try:
            return kfp.text(log_path(run.id, step.node))
        except PawlineError as error:
            tried.append(str(error))
    raise DataError(
        f"A log is kept by its pod, the store or KFP. Received: none of {one_line(step.name, 60)}; tried "
        f"{one_line('; '.join(tried) or 'its pod', 500)} {ROOT} names the store's place, as s3://bucket/prefix."
    )


def _from_store(place: str) -> str:
    """Return the log below `place`: the launcher puts it beside the step's artifacts, in a folder for each try."""
    store = open_store(place)
    names = sorted(found.name for found in store.list() if posixpath.basename(found.name) == LOG)
    if not names:
        raise DataError(f"There must be an {LOG}. Received: none.")
    return "".join(store.read(name, limit=LARGEST_BYTES).decode(errors="replace") for name in names)
