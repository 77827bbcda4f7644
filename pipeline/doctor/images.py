"""Images of the steps, as far as they can be known from here: on a node, refused before, or in their registry."""

from collections.abc import Iterable, Iterator

from components.step.errors import ServiceError, one_line
from pipeline.doctor.finding import Finding, NotChecked, unchecked, well, wrong
from pipeline.doctor.needs import StepNeeds
from pipeline.doctor.pull_secrets import logins_of
from pipeline.doctor.registries import INVALID, Image, manifest_status
from pipeline.doctor.setup import Setup

SUBJECT = "image"
PULL_FAILED = ("Failed", "ErrImagePull", "ImagePullBackOff")


def check(setup: Setup) -> Iterable[Finding]:
    """Yield one finding for each image of the YAML."""
    if not setup.for_cluster:
        raise NotChecked("there is no pawline.yaml, which `pawline compile` writes for a cluster")
    images = {step.image: step for step in setup.steps}
    for name, step in images.items():
        yield _image(setup, name, step)


def _image(setup: Setup, name: str, step: StepNeeds) -> Finding:
    subject = f"{SUBJECT} {one_line(name, 120)}"
    node = _node_with(setup, name)
    if node:
        return well(subject, f"it is on node {node} already")
    try:
        status = manifest_status(Image.named(name), logins_of(setup, step))
    except ServiceError as error:
        failed = _failed_before(setup, name)
        if failed:
            return wrong(
                subject,
                f"not pullable: an earlier pod could not pull it: {failed}",
                "Correct its name, push it, or compile with --pull-secret",
            )
        return unchecked(subject, f"its registry does not answer here ({error}), and no node has it yet")
    return _by_status(subject, status, step)


def _by_status(subject: str, status: int, step: StepNeeds) -> Finding:
    with_secret = f"with {', '.join(step.pull_secrets)}" if step.pull_secrets else "without a pull secret"
    if status == 200:
        return well(subject, f"its registry has it, {with_secret}")
    if status in (401, 403):
        advice = (
            "Compile with --pull-secret NAME" if not step.pull_secrets else "Correct that secret, or the user's rights"
        )
        return wrong(subject, f"not pullable: its registry refuses it {with_secret} ({status})", advice)
    if status == 404:
        return wrong(
            subject, "not pullable: its registry has no such image or tag", "Push it, or compile with the right --image"
        )
    if status == INVALID:
        return wrong(subject, "not pullable: this is a placeholder", "Compile with --image")
    return unchecked(subject, f"its registry answers {status}")


def _node_with(setup: Setup, name: str) -> str:
    """Return the name of a node that has the image, "" where none has, or nodes may not be asked."""
    full = Image.named(name).full
    try:
        nodes = setup.listed("/api/v1/nodes", "nodes")
    except (NotChecked, ServiceError):
        return ""
    for node in nodes:
        names = {each for image in (node.get("status") or {}).get("images") or [] for each in image.get("names") or []}
        if name in names or full in names:
            return str((node.get("metadata") or {}).get("name"))
    return ""


def _failed_before(setup: Setup, name: str) -> str:
    """Return what an event of an earlier pod says of the image, "" for nothing."""
    try:
        events = setup.listed("/api/v1/namespaces/{namespace}/events", "events")
    except (NotChecked, ServiceError):
        return ""
    return next(iter(_of_image(events, name)), "")


def _of_image(events: Iterable[object], name: str) -> Iterator[str]:
    for event in events:
        if isinstance(event, dict) and event.get("reason") in PULL_FAILED and f'"{name}"' in str(event.get("message")):
            yield one_line(event["message"], 200)
