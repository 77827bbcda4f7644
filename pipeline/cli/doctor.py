"""`pawline doctor`: whether all that a run will need is in order, a line each."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from components.step.errors import DataError, one_line
from components.step.files import json_text
from pipeline.cli.arguments.compiling import CLUSTER_PIPELINE
from pipeline.cli.cluster_parameters import check_for_cluster
from pipeline.cluster.kubernetes_api import IN_CLUSTER
from pipeline.cluster.named import HOST, NAMESPACE, named_server
from pipeline.compilation import COMPILED_PIPELINE
from pipeline.compiled import load_pipeline
from pipeline.config import read_configs
from pipeline.doctor.examination import Examined, examine
from pipeline.doctor.finding import Finding
from pipeline.doctor.needs import read_needs
from pipeline.parameters import parse_parameters

SHOWN = {"well": ("ok", "green"), "note": ("note", "yellow"), "wrong": ("wrong", "red")}


def doctor(arguments: argparse.Namespace) -> None:
    """Print what is in order and what is not; nothing is changed but a tiny object put into the store and deleted.

    Raises:
        UsageError: a parameter, option or file is not legal.
        DataError: something is wrong.
    """
    findings = examine(_examined(arguments))
    if arguments.json:
        print(json_text([asdict(finding) for finding in findings]), end="")
    else:
        _print(findings)
    wrong = list(dict.fromkeys(finding.subject for finding in findings if finding.state == "wrong"))
    if wrong:
        raise DataError(
            f"All that a run needs must be in order. Received: what is wrong with {one_line(', '.join(wrong), 300)}. "
            "Do as the lines above say."
        )


def _examined(arguments: argparse.Namespace) -> Examined:
    local = arguments.pipeline == CLUSTER_PIPELINE and not arguments.pipeline.exists()
    path = COMPILED_PIPELINE if local else arguments.pipeline
    pipeline = load_pipeline(path)
    configured = read_configs(arguments.config, pipeline.parameters)
    parameters = parse_parameters(arguments.param, pipeline.parameters, configured)
    check_for_cluster(pipeline, parameters)
    named = arguments.host or os.environ.get(HOST)
    server = named_server(arguments.host, arguments.namespace) if named else None
    namespace = arguments.namespace or os.environ.get(NAMESPACE, "").strip()
    meant = not local or bool(named or namespace or os.environ.get("KUBECONFIG") or IN_CLUSTER.exists())
    steps = read_needs(path, [step.name for step in pipeline.steps], parameters)
    return Examined(
        parameters=parameters,
        steps=steps,
        for_cluster=not local,
        environment=dict(os.environ),
        server=server,
        namespace=namespace,
        cluster_meant=meant,
        service_account=arguments.service_account or "",
    )


def _print(findings: Sequence[Finding]) -> None:
    console = Console(highlight=False)
    width = max((len(finding.subject) for finding in findings if finding.state != "unchecked"), default=0)
    unchecked: dict[str, list[str]] = {}
    for finding in findings:
        if finding.state == "unchecked":  # One reason, such as no kubeconfig, keeps from many checks.
            unchecked.setdefault(finding.sentence, []).append(finding.subject)
            continue
        mark, style = SHOWN[finding.state]
        line = Text.assemble((f"{mark:<6}", style), f"{finding.subject:<{width}}  {finding.sentence}.")
        console.print(line.append(f" {finding.advice}." if finding.advice else ""), soft_wrap=True)
    for reason, subjects in unchecked.items():
        console.print(Text(f"-     {', '.join(subjects)}: {reason}."), soft_wrap=True)
