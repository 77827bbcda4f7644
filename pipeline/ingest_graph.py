"""The small pipeline before labelling: PDFs to images, as one Kubeflow container component."""

# KFP's decorators have no types.
# mypy: disallow-untyped-decorators=False

from collections.abc import Callable

from kfp import dsl
from kfp.dsl import OutputPath

from components.parameters.cluster import LIGHT_CPU, LIGHT_MEMORY
from pipeline.containers import command
from pipeline.destination import Destination
from pipeline.placement import place


@dsl.container_component
def ingest(
    documents_uri: str,
    destination_uri: str,
    take: str,
    dpi: int,
    on_bad_document: str,
    images_uri: OutputPath(str),  # type: ignore[valid-type]  # KFP declares an output parameter by a call
) -> dsl.ContainerSpec:
    """Take the photos out of PDFs; write them, a manifest and lists for labelling tools."""
    return command(
        "ingest",
        *("--documents-uri", documents_uri),
        *("--destination-uri", destination_uri),
        *("--take", take),
        *("--dpi", dpi),
        *("--on-bad-document", on_bad_document),
    )


def ingest_for(destination: Destination) -> Callable[..., None]:
    """Return the pipeline with its step placed on `destination`, for KFP to trace."""

    def ingest_documents(
        documents_uri: str = "s3://pawline/documents",
        destination_uri: str = "s3://pawline/ingested",
        take: str = "embedded",
        dpi: int = 150,
        on_bad_document: str = "fail",
        cpu: str = "2",
        memory: str = "8Gi",
        s3_secret: str = "pawline-s3",  # noqa: S107  # the secret's name, not its content
    ) -> None:
        """From PDFs to images for a labelling tool.

        Args:
            documents_uri: The folder or prefix of the PDFs.
            destination_uri: Where images, manifest and lists for labelling tools are written.
            take: The embedded photos, or each page as a whole: embedded or pages.
            dpi: Dots per inch of a page.
            on_bad_document: Documents that cannot be read: fail names them at the end, drop leaves them out.
            cpu: CPU cores that the step may use, a Kubernetes quantity in quotes.
            memory: Memory that the step may use, a Kubernetes quantity.
            s3_secret: Secret with the keys of the store.
        """
        task = ingest(
            documents_uri=documents_uri,
            destination_uri=destination_uri,
            take=take,
            dpi=dpi,
            on_bad_document=on_bad_document,
        )
        # New documents under the same prefix are no other parameters; what is there already is not read again.
        task.set_caching_options(False)
        task.set_cpu_request(LIGHT_CPU).set_cpu_limit(cpu)
        task.set_memory_request(LIGHT_MEMORY).set_memory_limit(memory)
        place(task, destination, s3_secret)

    return ingest_documents
