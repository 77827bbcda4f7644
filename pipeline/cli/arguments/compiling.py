"""Arguments of `pawline compile`: what the pipeline must know of a cluster."""

from pathlib import Path
from typing import Any

from pipeline.cli.command_parser import new_command
from pipeline.destination import Destination

CLUSTER_PIPELINE = Path("pawline.yaml")  # What `compile` writes, and `submit` and `schedule` upload.


def add_compile(commands: Any) -> None:
    """Add the command to `commands`."""
    summary = "write the Kubeflow Pipelines YAML for a cluster"
    command = new_command(commands, "compile", summary, "pipeline.cli.compile:compile_yaml", ("pipeline",))
    add, usual = command.add_argument, Destination()
    add(
        "--output",
        type=Path,
        default=CLUSTER_PIPELINE,
        metavar="FILE",
        help=f"the file to write ({CLUSTER_PIPELINE})",
    )
    add("--ingest", action="store_true", help="that of documents to images instead, which runs before labelling")
    add("--image", default="", help="the steps' image; $PAWLINE_TRAIN_IMAGE if it is not given")
    add("--train-image", default="", metavar="IMAGE", help="that of train, if only another one has TensorFlow")
    add(
        "--pull-secret",
        action="append",
        default=[],
        metavar="NAME",
        help="a secret to pull images with; may be repeated",
    )
    add("--mlflow", default="", metavar="URL", help="the runs' MLflow server ($PAWLINE_MLFLOW_TRACKING_URI)")
    add(
        "--mlflow-secret",
        default=usual.mlflow_secret,
        metavar="NAME",
        help=f"secret with MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, optional ({usual.mlflow_secret})",
    )
    add(
        "--ca-bundle",
        default="",
        metavar="NAME[/KEY]",
        help="ConfigMap with the CA certificates to trust, all of them, for S3 and MLflow (key: ca-bundle.crt)",
    )
    add("--ray-secret", default="", metavar="NAME", help="secret with the token of a Ray cluster, auth_token")
    add("--signing-secret", default="", metavar="NAME", help="secret with the key that signs bundles, signing.pem")
    trusted = "ConfigMap with the key that must have signed a bundle to be promoted, signing.pub"
    add("--trusted-key", default="", metavar="NAME", help=trusted)
    add(
        "--scratch",
        default="",
        metavar="SIZE",
        help="a volume for the temporary files of extract and train, such as 50Gi, instead of the node's disk",
    )
    add("--storage-class", default="", metavar="NAME", help="of that volume (the cluster's default)")
    add("--label", action="append", default=[], metavar="KEY=VALUE", help="a label of each pod; may be repeated")
    add(
        "--retries",
        type=int,
        default=usual.retries,
        metavar="N",
        help=f"times a step after extract is begun anew, its pod lost; 0 leaves it to the cluster ({usual.retries})",
    )
    add(
        "--timeout-minutes",
        type=int,
        default=usual.timeout_minutes,
        metavar="N",
        help="minutes that a step may take, 0 for any time (0)",
    )
    add("--old-backend", action="store_true", help="write nothing that KFP 2.5.0 does not know, as it may refuse that")
