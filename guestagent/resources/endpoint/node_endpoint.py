"""Answers the requests of nodes: a document to read, and a signal to keep. No HTTP here.

Whatever is wrong with an address, the answer is the same 404.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.resources.endpoint.node_document import (
    EndpointAddress,
    build_boot_document,
    build_run_document,
)
from guestagent.resources.endpoint.signed_path import NodePath, PathPurpose, is_genuine, parse_path
from guestagent.resources.store.protocol import OrderStore
from guestagent.resources.store.records import ClusterSnapshot, SignalEntry
from guestagent.resources.wanted import WantedCluster, WantedInstance
from guestagent.resources.wanted_document import load_wanted
from guestagent.strict_json import UnreadableContent, get_text, parse_object
from guestagent.text_escaping import escape_text

BODY_LIMIT_BYTES = 64 * 1024
REASON_LIMIT = 4096  # characters that are kept
UNKNOWN_CLUSTER_KEY = (
    b"no cluster has this key"  # so that an unknown cluster takes as long as a wrong signature
)


@dataclass(frozen=True, slots=True)
class NodeAnswer:
    """A status and a JSON body."""

    status: int
    body: bytes


NOT_FOUND = NodeAnswer(404, b'{"error":"not found"}')


@dataclass(frozen=True, slots=True)
class KnownNode:
    """The node of a genuine address, with all that the store knows of its cluster."""

    path: NodePath
    snapshot: ClusterSnapshot
    wanted: WantedCluster
    instance: WantedInstance


class NodeEndpoint:
    """The endpoint over a store. `address` is how the guests reach it."""

    def __init__(self, store: OrderStore, address: EndpointAddress) -> None:
        self._store, self._address = store, address

    def read_document(self, path: str, signature: str) -> NodeAnswer:
        """Answer a GET. The address in the user data is valid until the node has used the one that it leads to."""
        node = self._find_node(path, signature)
        if node is None or node.path.purpose is PathPurpose.SIGNAL or node.path.number != node.instance.epoch:
            return NOT_FOUND
        arguments = (node.snapshot, node.wanted, node.instance, self._address)
        if node.path.purpose is PathPurpose.BOOT:
            if (node.instance.name, node.instance.epoch) in node.snapshot.contacts:
                return NOT_FOUND
            return _answer_json(build_boot_document(*arguments))
        self._note_contact(node)
        return _answer_json(build_run_document(*arguments))

    def accept_signal(self, path: str, signature: str, body: bytes) -> NodeAnswer:
        """Answer a signal as Heat does. One of an older generation is answered, too, but not kept."""
        node = self._find_node(path, signature)
        if node is None or node.path.purpose is not PathPurpose.SIGNAL:
            return NOT_FOUND
        if node.path.number > node.instance.generation:
            return NOT_FOUND
        try:
            signal = self._parse_signal(node, body)
        except UnreadableContent as error:
            return NodeAnswer(400, json.dumps({"error": str(error)}).encode())
        if node.path.number == node.instance.generation:
            self._store.record_signal(node.wanted.name, signal)
        return _answer_json({"resource": node.instance.name})

    def _find_node(self, path: str, signature: str) -> KnownNode | None:
        address = parse_path(path)
        if address is None:
            return None
        snapshot = self._store.read(address.cluster)
        document = None if snapshot is None else snapshot.cluster.wanted
        if snapshot is None or document is None:
            return None
        wanted = load_wanted(document)
        key, instance = self._address.ring.get_key(wanted.key_id), wanted.find_instance(address.instance)
        if not is_genuine(address, signature, key, snapshot.cluster.id) or instance is None:
            return None
        return KnownNode(address, snapshot, wanted, instance)

    def _note_contact(self, node: KnownNode) -> None:
        if (node.instance.name, node.instance.epoch) not in node.snapshot.contacts:
            self._store.record_contact(node.wanted.name, node.instance.name, node.instance.epoch)

    def _parse_signal(self, node: KnownNode, body: bytes) -> SignalEntry:
        if len(body) > BODY_LIMIT_BYTES:
            raise UnreadableContent("too large")
        content = parse_object(body)
        status = get_text(content, "Status")
        if status not in {"SUCCESS", "FAILURE"}:
            raise UnreadableContent("Status is neither SUCCESS nor FAILURE")
        return SignalEntry(
            instance=node.instance.name,
            generation=node.path.number,
            is_success=status == "SUCCESS",
            reason=escape_text(get_text(content, "Reason", ""))[:REASON_LIMIT],
            data=_read_data(content),
        )


def _read_data(content: Mapping[str, object]) -> str:
    """Return the data as a text: agents send an object, scripts a text."""
    data = content.get("Data", "")
    return data if isinstance(data, str) else json.dumps(data)


def _answer_json(document: object) -> NodeAnswer:
    return NodeAnswer(200, json.dumps(document).encode())
