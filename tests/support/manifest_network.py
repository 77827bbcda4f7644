"""Who may talk to whom, by the rules of Kubernetes' NetworkPolicy as far as the manifests use them."""

from typing import Any

from tests.support.manifest_pods import selects
from tests.support.manifests import Document, of_kind

Labels = dict[str, str]


def may_connect(documents: list[Document], source: Labels, target: Labels, port: int) -> bool:
    """Return whether a pod labelled `source` may open TCP `port` of one labelled `target` in the same namespace."""
    out = _allowed(documents, "Egress", source, target, port)
    return out and _allowed(documents, "Ingress", target, source, port)


def may_leave(documents: list[Document], source: Labels, port: int) -> bool:
    """Return whether a pod labelled `source` may open TCP `port` of any address at all."""
    return _allowed(documents, "Egress", source, None, port)


def covered(documents: list[Document], labels: Labels) -> bool:
    """Return whether a policy meant for pods of these labels restricts both directions."""
    meant = [policy for policy in _policies(documents, labels) if policy["podSelector"]]
    return {"Ingress", "Egress"} <= {direction for policy in meant for direction in policy["policyTypes"]}


def _policies(documents: list[Document], labels: Labels) -> list[dict[str, Any]]:
    specs = [document["spec"] for document in of_kind(documents, "NetworkPolicy")]
    return [spec for spec in specs if selects(spec["podSelector"], labels)]


def _allowed(documents: list[Document], direction: str, of: Labels, peer: Labels | None, port: int) -> bool:
    """Return whether a policy for pods labelled `of` in `direction` lets them, or there is none."""
    policies = [policy for policy in _policies(documents, of) if direction in policy["policyTypes"]]
    rules = [rule for policy in policies for rule in policy.get(direction.lower(), [])]
    return not policies or any(_lets(rule, peer, port) for rule in rules)


def _lets(rule: dict[str, Any], peer: Labels | None, port: int) -> bool:
    ports = rule.get("ports")
    if ports is not None and not any(item["protocol"] == "TCP" and item["port"] == port for item in ports):
        return False
    peers = rule.get("to", rule.get("from"))
    return peers is None or (peer is not None and any(_is(item, peer) for item in peers))


def _is(item: dict[str, Any], labels: Labels) -> bool:
    """Return whether a pod of the same namespace is meant; other namespaces are known by labels that ours has not."""
    return set(item) == {"podSelector"} and selects(item["podSelector"], labels)
