"""The users that Heat creates for the resources of a stack, in a domain of their own. Guests log in as them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from guestagent.secret import Secret

HEAT_DOMAIN_ID, HEAT_DOMAIN_NAME = uuid.uuid5(uuid.NAMESPACE_DNS, "heat").hex, "heat"
STACK_USER_ROLE = "heat_stack_user"


@dataclass(frozen=True, slots=True)
class StackUser:
    """One user, in its stack's project for such users. `can_read_metadata`: that of its own resource only."""

    id: str
    name: str
    project: str
    stack_id: str
    resource: str
    password: Secret
    can_read_metadata: bool


class StackUserStore:
    """Every such user of the cloud."""

    def __init__(self) -> None:
        self._users: dict[str, StackUser] = {}

    def add(
        self, name: str, project: str, stack_id: str, resource: str, password: Secret, can_read_metadata: bool
    ) -> StackUser:
        user = StackUser(
            uuid.uuid4().hex, name[:255], project, stack_id, resource, password, can_read_metadata
        )
        self._users[user.id] = user
        return user

    def find(self, user_id: str) -> StackUser | None:
        return self._users.get(user_id)

    def find_by_name(self, name: str) -> StackUser | None:
        return next((user for user in self._users.values() if user.name == name), None)

    def remove(self, user_id: str) -> None:
        """Remove a user; nothing happens if there is none."""
        self._users.pop(user_id, None)
