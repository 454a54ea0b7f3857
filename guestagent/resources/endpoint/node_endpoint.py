"""Answers the requests of nodes: a document to read, and a signal to keep. No HTTP here.

Whatever is wrong with an address, the answer is the same 404.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from guestagent.resources.endpoint.known_answers import KnownAnswer, KnownAnswers
from guestagent.resources.endpoint.node_answer import NodeAnswer
from guestagent.resources.endpoint.node_document import (
    EndpointAddress,
    build_boot_document,
    build_run_document,
)
from guestagent.resources.endpoint.signed_path import NodePath, PathPurpose, is_genuine, parse_path
from guestagent.resources.store.document_readers import READER_LENGTH_LIMIT
from guestagent.resources.store.protocol import OrderStore
from guestagent.resources.store.records import ClusterRecord, ClusterSnapshot, SignalEntry
from guestagent.resources.wanted import WantedCluster, WantedInstance
from guestagent.resources.wanted_document import load_wanted
from guestagent.strict_json import UnreadableContent, get_text, parse_object
from guestagent.text_escaping import escape_text

CountSignal = Callable[[bool], None]
BODY_LIMIT_BYTES = 64 * 1024
REASON_LIMIT = 4096  # characters that are kept
NOT_FOUND = NodeAnswer(404, b'{"error":"not found"}')


@dataclass(frozen=True, slots=True)
class KnownNode:
    """The node of a genuine address, with all that the store knows of its cluster."""

    path: NodePath
    snapshot: ClusterSnapshot
    wanted: WantedCluster
    instance: WantedInstance
    key_id: str

    @property
    def has_present_key(self) -> bool:
        """Whether the address is signed with the cluster's present key, and not with a previous one."""
        return self.key_id == self.wanted.key_id


class NodeEndpoint:
    """The endpoint over a store. `address` is how the guests reach it. Signals that are kept are counted."""

    def __init__(
        self, store: OrderStore, address: EndpointAddress, count_signal: CountSignal | None = None
    ) -> None:
        self._store, self._address, self._count_signal = store, address, count_signal
        self._known = KnownAnswers()

    def find_known(self, path: str, signature: str, reader: str = "") -> NodeAnswer | None:
        """Return the answer to a GET like one before, if nothing has changed and nothing has to be waited for."""
        known = self._known.find(path, signature, _shorten(reader))
        if known is None or self._store.peek_version(known.cluster) != known.version:
            return None
        return known.answer

    def read_document(self, path: str, signature: str, reader: str = "") -> NodeAnswer:
        """Answer a GET. The address in the user data is valid until the node has used the one that it leads to.

        `reader` is the network address from which the request comes.
        """
        reader = _shorten(reader)
        known = self._known.find(path, signature, reader)
        if known is not None and self._store.read_version(known.cluster) == known.version:
            return known.answer
        node = self._find_node(path, signature)
        if node is None or node.path.purpose is PathPurpose.SIGNAL or node.path.number != node.instance.epoch:
            return NOT_FOUND
        arguments = (node.snapshot, node.wanted, node.instance, self._address)
        if node.path.purpose is PathPurpose.BOOT:
            if (node.instance.name, node.instance.epoch) in node.snapshot.contacts:
                self._note_reader(node, reader)
                return NOT_FOUND
            return _answer_json(build_boot_document(*arguments))
        self._note_contact(node, reader)
        answer = _answer_json(build_run_document(*arguments))
        if node.snapshot.version is not None:
            known = KnownAnswer(signature, reader, node.wanted.name, node.snapshot.version, answer)
            self._known.keep(path, known)
        return answer

    def accept_signal(self, path: str, signature: str, body: bytes) -> NodeAnswer:
        """Answer a signal as Heat does. One of an older generation or key is answered, too, but not kept."""
        node = self._find_node(path, signature)
        if node is None or node.path.purpose is not PathPurpose.SIGNAL:
            return NOT_FOUND
        if node.path.number > node.instance.generation:
            return NOT_FOUND
        try:
            signal = self._parse_signal(node, body)
        except UnreadableContent as error:
            return NodeAnswer(400, json.dumps({"error": str(error)}).encode())
        if node.path.number == node.instance.generation and node.has_present_key:
            self._store.record_signal(node.wanted.name, signal)
            if self._count_signal is not None:
                self._count_signal(signal.is_success)
        return _answer_json({"resource": node.instance.name})

    def _find_node(self, path: str, signature: str) -> KnownNode | None:
        """Return the node of a genuine address. For others no more than the cluster's own row is read."""
        address = parse_path(path)
        if address is None:
            return None
        record = self._store.read_record(address.cluster)
        if record is None or self._find_key(address, signature, record) is None:
            return None
        snapshot = self._store.read(address.cluster)
        if snapshot is None or snapshot.cluster.wanted is None:
            return None
        wanted = load_wanted(snapshot.cluster.wanted)
        key_id = self._find_key(address, signature, snapshot.cluster)
        instance = wanted.find_instance(address.instance)
        if key_id is None or instance is None:
            return None
        return KnownNode(address, snapshot, wanted, instance, key_id)

    def _find_key(self, address: NodePath, signature: str, record: ClusterRecord) -> str | None:
        """Return the key that has signed an address: the present one, or a previous one that may still be in use."""
        if record.wanted is None:
            return None
        wanted = load_wanted(record.wanted)
        for key_id in (wanted.key_id, *wanted.previous_keys):
            if is_genuine(address, signature, self._address.ring.get_key(key_id), record.id):
                return key_id
        return None

    def _note_contact(self, node: KnownNode, reader: str) -> None:
        contact = (node.instance.name, node.key_id)
        is_moving = bool(node.wanted.previous_keys) and node.has_present_key
        if is_moving and contact not in node.snapshot.key_contacts:
            self._store.record_key_contact(node.wanted.name, *contact)
        self._note_reader(node, reader)

    def _note_reader(self, node: KnownNode, reader: str) -> None:
        self._store.record_contact(node.wanted.name, node.instance.name, node.instance.epoch, reader)

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


def _shorten(reader: str) -> str:
    """Return the network address of a reader as it is kept."""
    return escape_text(reader)[:READER_LENGTH_LIMIT]


def _answer_json(document: object) -> NodeAnswer:
    return NodeAnswer(200, json.dumps(document).encode())
