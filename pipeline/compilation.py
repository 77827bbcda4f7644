"""Compilation: the graph as one Kubeflow Pipelines YAML, byte for byte the same wherever it is compiled."""

from pathlib import Path

from components.files import atomic_write

COMPILED_PIPELINE = Path(__file__).with_name("pipeline.yaml")


def compile_pipeline(path: Path = COMPILED_PIPELINE) -> None:
    """Write the pipeline to `path`, complete or not at all.

    Only fields known to a KFP backend 2.5.0 are used; tests/test_old_backend.py reads the file with the protos of then.
    """
    # Imported here because kfp takes seconds, and running the compiled pipeline needs none of it.
    from kfp import dsl
    from kfp.compiler import Compiler

    from pipeline.graph import image_classifier

    with atomic_write(path) as temporary:
        Compiler().compile(dsl.pipeline(name="pawline")(image_classifier), str(temporary))
