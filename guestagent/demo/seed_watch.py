"""The seed of the demo's new replica: data without logs on the source, and live progress of the copy."""

from __future__ import annotations

from guestagent.byte_units import MIB
from guestagent.demo.protocols import DemoCloud, DemoEventHandler, ProgressMessage
from guestagent.errors import StorageError
from guestagent.strict_json import UnreadableContent, get_number, get_text, parse_object


def describe_seed_state(content: bytes) -> str:
    """Describe the state that a node's seed worker has written."""
    state = parse_object(content)
    done, total = int(get_number(state, "bytes_done")), int(get_number(state, "bytes_total"))
    amount = f", {done / MIB:.0f} of {total / MIB:.0f} MiB" if total else ""
    return f"seed by {get_text(state, 'method')}: {get_text(state, 'phase')}{amount}"


class SeedWatch:
    """Reports each change in the seeds of the cloud's nodes."""

    def __init__(self, cloud: DemoCloud, handle_event: DemoEventHandler) -> None:
        self._cloud, self._handle_event = cloud, handle_event
        self._reported: dict[str, str] = {}

    @property
    def seeded_nodes(self) -> frozenset[str]:
        """The nodes of which a complete seed was seen."""
        return frozenset(node for node, text in self._reported.items() if ": done" in text)

    def look(self) -> None:
        """Report what has changed since the last look."""
        for server in self._cloud.list_servers():
            try:
                text = self._cloud.describe_seed(server)
            except (StorageError, UnreadableContent):
                continue
            if text and self._reported.get(server.node) != text:
                self._reported[server.node] = text
                self._handle_event(ProgressMessage(f"{server.node}: {text}"))
