"""Arguments of the commands that use a network: label images, serve it, check it, put the one before back."""

import argparse
from pathlib import Path
from typing import Any

from components.serve.command import add_arguments
from pipeline.cli.arguments.shared import BUNDLE_HELP, add_json, add_runs
from pipeline.cli.command_parser import new_command


def add_commands(commands: Any) -> None:
    """Add the commands to `commands`."""
    _add_predict(commands)
    _add_serve(commands)
    _add_verify(commands)
    _add_sign(commands)
    _add_check_backbone(commands)
    _add_check_own(commands)
    _add_rollback(commands)
    _add_deliver(commands)
    _add_completion(commands)


def _add_predict(commands: Any) -> None:
    summary = "label images with a bundle, as the server would"
    command = new_command(commands, "predict", summary, "pipeline.cli.predict:predict", ("serve|train",))
    command.add_argument("bundle", metavar="BUNDLE", help=BUNDLE_HELP)
    command.add_argument("images", nargs="+", metavar="IMAGES", help="a file, a folder or s3://bucket/prefix")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="write CSV with every class's probability")
    form.add_argument("--json", action="store_true", help="write JSON with every class's probability")
    command.add_argument("--output", type=Path, metavar="FILE", help="the file to write, its suffix says the form")
    add_runs(command)


def _add_serve(commands: Any) -> None:
    summary = "serve a bundle over HTTP, with a page to try it"
    command = new_command(commands, "serve", summary, "pipeline.cli.serve:serve", ("serve",))
    add_arguments(command, BUNDLE_HELP)
    add_runs(command)


def _add_verify(commands: Any) -> None:
    command = new_command(
        commands, "verify", "say what is wrong with a bundle", "pipeline.cli.verify:verify", ("train",)
    )
    command.add_argument("bundle", metavar="BUNDLE", help=BUNDLE_HELP)
    command.add_argument("--onnx-only", action="store_true", help="without the Keras network, so without TensorFlow")
    trusted = "whose signature it must have: a public key (PEM); the environment's PAWLINE_TRUSTED_KEY if not given"
    command.add_argument("--key", metavar="FILE", help=trusted)
    command.add_argument("--identity", default="", metavar="NAME", help="whose keyless signature it must have")
    command.add_argument("--issuer", default="", metavar="URL", help="who vouches for --identity")
    _add_sigstore(command)
    add_runs(command)


def _add_sign(commands: Any) -> None:
    summary = "sign a bundle, by a key or keyless"
    command = new_command(commands, "sign", summary, "pipeline.cli.sign:sign", ("sign",))
    command.add_argument("bundle", metavar="BUNDLE", help=f"{BUNDLE_HELP}, but no models:/")
    whose = command.add_mutually_exclusive_group()
    whose.add_argument("--key", metavar="FILE", help="a private key (PEM, of an elliptic curve; PAWLINE_SIGNING_KEY)")
    keyless = "sign as whom the machine, else a browser, says that you are, by Sigstore"
    whose.add_argument("--keyless", action="store_true", help=keyless)
    command.add_argument("--password-file", metavar="FILE", help="of the key (PAWLINE_SIGNING_PASSWORD_FILE)")
    _add_sigstore(command)
    add_runs(command)


def _add_sigstore(command: argparse.ArgumentParser) -> None:
    command.add_argument("--sigstore", metavar="FILE", help="the trust of a private Sigstore (the public one)")


def _add_check_backbone(commands: Any) -> None:
    summary, extras = "check a network, your own too", ("pipeline", "train")
    command = new_command(commands, "check-backbone", summary, "pipeline.cli.check_backbone:check_backbone", extras)
    command.add_argument("name", nargs="?", metavar="NAME", help="a backbone or module:function; none lists the names")
    command.add_argument("--image-size", type=int, default=0, metavar="N", help="pixels a side (the backbone's own)")
    add_json(command)


def _add_check_own(commands: Any) -> None:
    for kind, summary, extras in (
        ("augmentation", "check an augmentation of yours on random images", ("pipeline",)),
        ("preprocessing", "check layers of yours before a backbone", ("pipeline", "train")),
    ):
        command = new_command(commands, f"check-{kind}", summary, f"pipeline.cli.check_own:check_{kind}", extras)
        command.add_argument("name", metavar="NAME", help="module:function")
        size_help = "pixels a side of the images (224)"
        command.add_argument("--image-size", type=int, default=224, metavar="N", help=size_help)
        add_json(command)
    summary = "check an evaluator of yours on a made-up test"
    command = new_command(
        commands, "check-evaluator", summary, "pipeline.cli.check_own:check_evaluator", ("pipeline", "train")
    )
    command.add_argument("name", metavar="NAME", help="module:function")
    add_json(command)


def _add_rollback(commands: Any) -> None:
    summary = "make the champion before the champion again"
    command = new_command(commands, "rollback", summary, "pipeline.cli.rollback:rollback", ("pipeline",))
    command.add_argument("--model-name", default="pawline", metavar="NAME", help="the registered model (pawline)")
    server_help = "wait until this server has it: an address, or deployment/NAME on the cluster; may be repeated"
    command.add_argument("--server", action="append", default=[], metavar="WHERE", help=server_help)
    command.add_argument("--namespace", metavar="NAME", help="the Deployment's namespace (that of the kubeconfig)")
    command.add_argument("--wait", type=float, default=300.0, metavar="SECONDS", help="how long servers may take (300)")
    add_runs(command)


def _add_deliver(commands: Any) -> None:
    summary = "send to MLflow what runs could not send"
    command = new_command(commands, "deliver", summary, "pipeline.cli.deliver:deliver_command", ("pipeline",))
    add_runs(command)


def _add_completion(commands: Any) -> None:
    summary = "print what a shell needs to complete commands"
    command = new_command(commands, "completion", summary, "pipeline.cli.completion:print_shell_code")
    command.add_argument("shell", choices=("bash", "zsh", "fish"), metavar="SHELL", help="bash, zsh or fish")
