"""The connection of a command with the KFP API that it was told of; which one was met is said on standard error."""

import argparse
import sys

from pipeline.cluster.kfp_api import KfpApi
from pipeline.cluster.named import named_server


def connected(arguments: argparse.Namespace) -> KfpApi:
    """Return the API that the command line's `arguments` name, or the environment.

    Raises:
        UsageError: none is named.
        ServiceError: it does not answer.
    """
    kfp = KfpApi(named_server(arguments.host, arguments.namespace))
    print(kfp.met, file=sys.stderr)
    return kfp
