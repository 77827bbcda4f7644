"""`pawline open`: a run's report in the browser, or where there is none its link."""

import argparse
import os
import sys
import webbrowser

from components.step.addresses import file_uri
from components.step.errors import one_line
from pipeline.cli.cluster_show import link_of_cluster
from pipeline.cli.connection import means_cluster
from pipeline.history.reports import report_of
from pipeline.local.recorded import read_record
from pipeline.local.references import find_run

DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME")


def open_report(arguments: argparse.Namespace) -> None:
    """Open the report that the command line's `arguments` name, and print its link.

    Raises:
        UsageError: there is no such run here, or no server is named.
        DataError: its record is damaged, it has no such report, or there is no such run on the cluster.
        ServiceError: the KFP API does not answer.
    """
    if means_cluster(arguments):
        link = link_of_cluster(arguments)
    else:
        record = read_record(find_run(arguments.run, arguments.runs))
        link = file_uri(report_of(record, arguments.report).resolve())
    print(one_line(link, 4000))
    if _has_display():
        webbrowser.open(link)


def _has_display() -> bool:
    # Without one, Python would start a browser of the terminal, which shows no script.
    return sys.platform == "darwin" or any(os.environ.get(name) for name in DISPLAYS)
