"""One server of the embedded Nova, its states, and which of them an action needs."""

from __future__ import annotations

import asyncio
from collections.abc import Set
from dataclasses import dataclass, field
from datetime import datetime

from guestagent.embedded.host.clock import get_utc_time
from guestagent.embedded.host.identifiers import generate_id
from guestagent.embedded.http.errors import ApiError
from guestagent.embedded.openstack.glance.images import Image
from guestagent.embedded.openstack.nova.flavors import Flavor

ZONE_NAME = "nova"
HOSTS = ("compute1", "compute2")
"""A resize moves a server to the other one, as Nova does by default."""
VM_STATES = {
    "BUILD": "building",
    "ERROR": "error",
    "VERIFY_RESIZE": "resized",
    "REVERT_RESIZE": "resized",
    "DELETED": "deleted",
}
"""Nova's vm_state for a status; of all others it is active."""
DELETING = "deleting"
IDLE: Set[str | None] = frozenset({None})
RUNNING = frozenset({"active"})
REBOOTING_TASKS: Set[str | None] = frozenset({None, "rebooting", "rebooting_hard"})


class WrongState(ApiError):
    """The server is not in the state that the action needs."""

    status = 409


@dataclass(slots=True, eq=False)
class ComputeServer:
    """One server. `fault` is the reason of its status ERROR. `address` is "" without a network.

    `former_flavor` is that from before a resize, until it is confirmed. `launched` is when it was first ACTIVE.
    """

    name: str
    flavor: Flavor
    image: Image
    address: str
    user_data: bytes = field(repr=False)
    key_name: str | None = None
    id: str = field(default_factory=generate_id)
    metadata: dict[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    status: str = "BUILD"
    task_state: str | None = None
    host: str = HOSTS[0]
    former_flavor: Flavor | None = None
    fault: str = ""
    description: str | None = None
    has_config_drive: bool = False
    is_locked: bool = False
    created: datetime = field(default_factory=get_utc_time)
    launched: datetime | None = None
    terminated: datetime | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)
    deletion: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def vm_state(self) -> str:
        return VM_STATES.get(self.status, "active")


def require_unlocked(server: ComputeServer) -> None:
    """Raise WrongState for a locked server: its owner has to unlock it first."""
    if server.is_locked:
        raise WrongState(f"Instance {server.id} is locked")


def require_vm_state(action: str, server: ComputeServer, vm_states: Set[str] = RUNNING) -> None:
    """Raise WrongState if the action needs another vm_state."""
    _require_one_of(action, server, "vm_state", server.vm_state, vm_states)


def require_state(
    action: str, server: ComputeServer, vm_states: Set[str] = RUNNING, task_states: Set[str | None] = IDLE
) -> None:
    """Raise WrongState if the action needs another state, or a server that was ACTIVE once."""
    require_vm_state(action, server, vm_states)
    _require_one_of(action, server, "task_state", server.task_state, task_states)
    if server.launched is None:
        raise WrongState(f"Instance {server.id} is in an invalid state for '{action}'")


def _require_one_of(
    action: str, server: ComputeServer, name: str, state: str | None, allowed: Set[str] | Set[str | None]
) -> None:
    if state not in allowed:
        raise WrongState(f"Cannot '{action}' instance {server.id} while it is in {name} {state}")
