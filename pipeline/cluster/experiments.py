"""Experiments, by which KFP's pages group runs; of a server for several people, each is in a namespace."""

from pipeline.cluster.kfp_api import KfpApi
from pipeline.cluster.shapes import given


def experiment_id(kfp: KfpApi, name: str | None) -> str:
    """Return the id of the experiment called `name`, made if need be; "" for none, which the server calls Default.

    Raises:
        DataError, ServiceError: the server refuses or does not answer.
    """
    if not name:
        return ""
    if found := kfp.find("/experiments", "experiments", name, kfp.of_namespace):
        return given(found, "experiment_id")
    return given(kfp.call("POST", "/experiments", body={"display_name": name, **kfp.of_namespace}), "experiment_id")
