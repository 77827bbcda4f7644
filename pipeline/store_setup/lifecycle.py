"""Rules that tidy a bucket by themselves: ours, and put beside those that others have made, which stay as they are."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from pipeline.store_setup.places import Place, Places, outermost

if TYPE_CHECKING:
    from minio.lifecycleconfig import Rule

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
CHECKPOINT_DAYS = 14  # Train itself removes them after seven, if any training ends after that.
OLD_VERSION_DAYS = 30
UPLOAD_DAYS = 7
LONGEST_ID = 255
OLD_VERSIONS = "old-versions"
Words = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Merge:
    """The rules of a bucket together: `xml` as S3 takes it; the ids of those added, there, changed, and of others."""

    xml: bytes
    added: tuple[str, ...]
    kept: tuple[str, ...]
    changed: tuple[str, ...]
    others: tuple[str, ...]


def rules_of(places: Places, bucket: str, aborts_uploads: bool) -> list["Rule"]:
    """Return our rules for `bucket`: old versions and checkpoints go, and unfinished uploads, if it must be told so."""
    from minio.commonconfig import ENABLED, Filter
    from minio.lifecycleconfig import AbortIncompleteMultipartUpload, Expiration, NoncurrentVersionExpiration, Rule

    def rule(kind: str, place: Place, **actions: Any) -> Rule:
        return Rule(ENABLED, rule_filter=Filter(prefix=place.folder), rule_id=_id_of(kind, place), **actions)

    ends, abort = Expiration(days=CHECKPOINT_DAYS), AbortIncompleteMultipartUpload(UPLOAD_DAYS)
    at_once, old = NoncurrentVersionExpiration(1), NoncurrentVersionExpiration(OLD_VERSION_DAYS)
    checkpoints, written = _own(places.checkpoints, bucket), _own(places.written, bucket)
    return [
        *(rule("checkpoints", at, expiration=ends, noncurrent_version_expiration=at_once) for at in checkpoints),
        *(rule(OLD_VERSIONS, at, noncurrent_version_expiration=old) for at in written),
        *(rule("unfinished-uploads", at, abort_incomplete_multipart_upload=abort) for at in written if aborts_uploads),
    ]


def ends_old_versions(rule: "Rule") -> bool:
    """Tell whether `rule` is one of ours that ends old versions, and so goes with the versioning that we turn on."""
    return str(rule.rule_id).startswith(f"pawline-{OLD_VERSIONS}:")


def merged(there: bytes, ours: Sequence["Rule"]) -> Merge:
    """Put those of `ours` that the lifecycle `there` (XML, empty for none) lacks behind its own.

    What is there is copied, not understood: the SDK's own reading would lose what it does not know. A rule of ours that
    somebody has changed stays changed.

    Raises:
        ElementTree.ParseError: `there` is no XML.
    """
    from minio.lifecycleconfig import LifecycleConfig

    old = _rules(ElementTree.fromstring(there)) if there else []  # noqa: S314  # Expat ends what grows without measure.
    new = {_id(rule): rule for rule in _rules(LifecycleConfig(list(ours)).toxml(None))}
    known = {_id(rule): rule for rule in old}
    same = [name for name in new if name in known and _words(known[name]) == _words(new[name])]
    root = ElementTree.Element("LifecycleConfiguration", {"xmlns": NAMESPACE})
    root.extend([_plain(rule) for rule in (*old, *(new[name] for name in new if name not in known))])
    return Merge(
        ElementTree.tostring(root),
        added=tuple(name for name in new if name not in known),
        kept=tuple(same),
        changed=tuple(name for name in new if name in known and name not in same),
        others=tuple(_id(rule) for rule in old if _id(rule) not in new),
    )


def _own(places: Iterable[Place], bucket: str) -> list[Place]:
    return [place for place in outermost(places) if place.bucket == bucket]


def _id_of(kind: str, place: Place) -> str:
    return f"pawline-{kind}:{place.folder}"[:LONGEST_ID]


def _rules(root: ElementTree.Element) -> list[ElementTree.Element]:
    return [element for element in root if _name(element) == "Rule"]


def _id(rule: ElementTree.Element) -> str:
    return next((element.text or "" for element in rule if _name(element) == "ID"), "")


def _words(rule: ElementTree.Element) -> Words:
    """Return what `rule` says, however a server spells it."""
    return frozenset(_texts(rule, "")) - {("/ID", _id(rule))}


def _texts(element: ElementTree.Element, path: str) -> Iterator[tuple[str, str]]:
    for inner in element:
        here = f"{path}/{_name(inner)}"
        if len(inner) == 0 and (inner.text or "").strip():
            yield here.replace("/Filter/Prefix", "/Prefix"), (inner.text or "").strip()
        yield from _texts(inner, here)


def _plain(rule: ElementTree.Element) -> ElementTree.Element:
    for element in rule.iter():
        element.tag = _name(element)
    return rule


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
