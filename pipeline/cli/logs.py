"""`pawline logs`: what a run's steps said, of a run here or on a cluster, of one that goes on or has long ended."""

import argparse
import sys
import time
from collections.abc import Iterator

from components.step.errors import DataError, ServiceError, one_line
from pipeline.cli.connection import connected, means_cluster
from pipeline.cluster.kept_log import kept_log
from pipeline.cluster.kfp_api import KfpApi, Unreachable
from pipeline.cluster.kubernetes_api import KubernetesApi
from pipeline.cluster.log_lines import own_lines
from pipeline.cluster.pod_log import has_begun, pod_lines, pod_of
from pipeline.cluster.runs import ClusterRun, find_cluster_run, get_run
from pipeline.cluster.tasks import ClusterStep, steps_of
from pipeline.compilation import COMPILED_PIPELINE
from pipeline.compiled import load_pipeline
from pipeline.local.display import LINE_LIMIT
from pipeline.local.logs import asked_for, local_lines
from pipeline.local.references import find_run

LOOK_SECONDS = 3.0
ENDED = ("succeeded", "failed", "stopped")


def logs(arguments: argparse.Namespace) -> None:
    """Print the lines of the run and step that `arguments` name; with --follow until it has ended.

    Raises:
        UsageError: there is no such run here, or no such step, or no server is named.
        DataError: there is no such run on the cluster, the step has not begun, or nobody has kept its log.
        ServiceError: a server does not answer.
    """
    if means_cluster(arguments):
        lines = _cluster_lines(arguments)
    else:
        lines = local_lines(find_run(arguments.run, arguments.runs), arguments.step, arguments.follow)
    for line in lines:
        print(one_line(line.expandtabs(), LINE_LIMIT), flush=arguments.follow)


def _cluster_lines(arguments: argparse.Namespace) -> Iterator[str]:
    kfp = connected(arguments)
    source = _Source(kfp, find_cluster_run(kfp, arguments.run), arguments)
    for name in asked_for(arguments.step, [step.name for step in source.steps()]):
        lines = source.lines(name)
        yield from lines if arguments.launcher else own_lines(lines)


class _Source:
    """Where the lines of a run's steps come from: the pod while it is there, else where the log was kept."""

    def __init__(self, kfp: KfpApi, run: ClusterRun, arguments: argparse.Namespace) -> None:
        self.kfp, self.run, self.arguments = kfp, run, arguments
        pipeline = load_pipeline(COMPILED_PIPELINE)
        self.pipeline, self.order = pipeline.name, [step.name for step in pipeline.steps]
        self.said_lost = False
        self.kubernetes = self._kubernetes(kfp.server.namespace)

    def steps(self) -> list[ClusterStep]:
        return steps_of(self.run.answer, self.order)

    def lines(self, name: str) -> Iterator[str]:
        step = self._begun(name)
        if step is None:
            return
        if step.cached:
            print(f"{name}: cached, nothing was run", file=sys.stderr)
            return
        pod = self._pod(name)
        if pod and self.kubernetes:
            yield from pod_lines(self.kubernetes, self.run.id, pod, self.arguments.follow, self._lost)
        else:
            yield from kept_log(self.kfp, self.run, step, self.pipeline).splitlines()

    def _begun(self, name: str) -> ClusterStep | None:
        """Return the step once it has begun; None where it won't, unless it alone is asked for."""
        while True:
            step = next(step for step in self.steps() if step.name == name)
            if step.state in ENDED or self._pod(name):
                return step
            if self.run.ended or not self.arguments.follow:
                break
            time.sleep(LOOK_SECONDS)
            self._look_again()
        if self.arguments.step:
            advice = f"`pawline status {self.run.id}` says why" + ("" if self.run.ended else ", -f waits for it")
            raise DataError(f"A step must have begun to have a log. Received: {name}, {step.state}. {advice}.")
        return None

    def _look_again(self) -> None:
        try:
            self.run = get_run(self.kfp, self.run.id)
        except Unreachable as error:
            self._lost(str(error))

    def _pod(self, name: str) -> str:
        """Return the name of the pod whose container of the step has begun, "" where none is there."""
        if not self.kubernetes:
            return ""
        try:
            pod = pod_of(self.kubernetes.pods(self.run.id), name)
        except ServiceError as error:
            self._lost(str(error))
            return ""
        return str(pod["metadata"]["name"]) if pod and has_begun(pod) else ""

    def _lost(self, reason: str) -> None:
        if not self.said_lost:
            print(f"warning: {reason} Going on without.", file=sys.stderr)
        self.said_lost = True

    def _kubernetes(self, namespace: str) -> KubernetesApi | None:
        try:
            return KubernetesApi(namespace)
        except ServiceError as error:
            if not self.run.ended:
                print(f"warning: a log is live with a kubeconfig alone. {error}", file=sys.stderr)
            return None
