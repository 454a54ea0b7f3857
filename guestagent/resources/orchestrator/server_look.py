"""The server of the instance that an order restarts, migrates or replaces, as Nova and Cinder show it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.resources.natives.cloud_api import CloudServer, ServerAction
from guestagent.resources.natives.server_actions import is_ready_for_action
from guestagent.resources.orders import MigrateInstance, Order, ReplaceInstance, RestartInstance
from guestagent.resources.store.records import ResourceRecord

SERVER_ORDERS = RestartInstance | MigrateInstance | ReplaceInstance
"""The orders that need more of Nova than Heat does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLook:
    """What one look shows.

    `server_id` is the one that the stack names ("": none), `is_known` tells whether it has such an instance. `server`
    is None if Nova has none of that id. `actions` are those on it, the newest first. `has_volume` and `has_port` tell
    whether they are resources of the stack, `volume_status` is Cinder's word ("": there is no volume). `is_marked`:
    Heat replaces the server in the next update.
    """

    server_id: str = ""
    server: CloudServer | None = None
    actions: tuple[ServerAction, ...] = ()
    volume_status: str = ""
    is_known: bool = False
    has_volume: bool = False
    has_port: bool = False
    is_marked: bool = False

    @property
    def last_request(self) -> str:
        """Nova's name for the newest action, or ""."""
        return next((action.request_id for action in self.actions), "")

    def list_newer_actions(self, record: ResourceRecord) -> tuple[ServerAction, ...]:
        """Return the actions since the one that the record names, the newest first."""
        newer: list[ServerAction] = []
        for action in self.actions:
            if action.request_id == record.cloud_request_id:
                break
            newer.append(action)
        return tuple(newer)

    def find_action(self, record: ResourceRecord) -> ServerAction | None:
        """Return the action of a record whose answer is known."""
        return next((each for each in self.actions if each.request_id == record.cloud_request_id), None)

    def has_ended(self, action: ServerAction | None) -> bool:
        """Return whether an action is over. The list shows a success at the newest alone."""
        return action is not None and (bool(action.result) or action != self.actions[0])

    def is_at_rest(self, *statuses: str) -> bool:
        """Return whether the server has one of these statuses, and Nova does nothing with it."""
        return self.server is not None and is_ready_for_action(self.server, statuses)


def get_instance(order: Order) -> str:
    """Return the name of the instance of such an order."""
    assert isinstance(order, SERVER_ORDERS)
    return order.instance
