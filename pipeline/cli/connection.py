"""The connection of a command with the KFP API that it was told of; which one was met is said on standard error."""

import argparse
import sys

from pipeline.cluster.kfp_api import KfpApi
from pipeline.cluster.named import named_server
from pipeline.cluster.runs import is_run_id


def means_cluster(arguments: argparse.Namespace) -> bool:
    """Tell whether the RUN of `arguments` is one of a cluster: it has an id of those, or `--cluster` says so."""
    return bool(arguments.cluster) or is_run_id(arguments.run)


def connected(arguments: argparse.Namespace) -> KfpApi:
    """Return the API that the command line's `arguments` name, or the environment.

    Raises:
        UsageError: none is named.
        ServiceError: it does not answer.
    """
    kfp = KfpApi(named_server(arguments.host, arguments.namespace))
    print(kfp.met, file=sys.stderr)
    return kfp
