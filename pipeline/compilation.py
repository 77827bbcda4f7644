"""Compilation: the graph as one Kubeflow Pipelines YAML, byte for byte the same wherever it is compiled.

`python -m pipeline.compilation` writes the packaged ones, of which this machine runs the first; `pawline compile` one
for a cluster.
"""

from collections.abc import Callable
from inspect import signature
from pathlib import Path

from components.step.files import atomic_write
from pipeline.destination import Destination, check_destination

COMPILED_PIPELINE = Path(__file__).with_name("pipeline.yaml")
COMPILED_INGEST = Path(__file__).with_name("ingest.yaml")


def compile_pipeline(path: Path = COMPILED_PIPELINE, destination: Destination | None = None) -> None:
    """Write the pipeline for `destination`, none in particular if None, to `path`, complete or not at all.

    A KFP backend 2.5.0 reads it; tests/whole/test_old_backend.py does so with the protos of then.

    Raises:
        UsageError: something of the cluster is not legal, or a parameter's default is not.
    """
    destination = destination or Destination()
    check_destination(destination)
    # Imported here because kfp takes seconds, and what needs the compiled pipeline's place alone needs none of it.
    from components.extract.parameters import check_parameters
    from pipeline.graph import image_classifier_for

    graph = image_classifier_for(destination)
    check_parameters({name: parameter.default for name, parameter in signature(graph).parameters.items()})
    _write(path, "pawline", graph)


def compile_ingest(path: Path = COMPILED_INGEST, destination: Destination | None = None) -> None:
    """Write the pipeline of documents to images, as `compile_pipeline` does that of images to a classifier."""
    destination = destination or Destination()
    check_destination(destination)
    from pipeline.ingest_graph import ingest_for

    _write(path, "pawline-ingest", ingest_for(destination))


def _write(path: Path, name: str, graph: Callable[..., None]) -> None:
    from kfp import dsl
    from kfp.compiler import Compiler

    with atomic_write(path) as temporary:
        Compiler().compile(dsl.pipeline(name=name)(graph), str(temporary))


if __name__ == "__main__":
    compile_pipeline()
    compile_ingest()
