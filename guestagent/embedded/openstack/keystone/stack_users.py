"""The users that Heat makes for the resources of a stack, in a domain of their own: what guests log in as."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from guestagent.secret import Secret

HEAT_DOMAIN_ID, HEAT_DOMAIN_NAME = uuid.uuid5(uuid.NAMESPACE_DNS, "heat").hex, "heat"
STACK_USER_ROLE = "heat_stack_user"


@dataclass(frozen=True, slots=True)
class StackUser:
    """One user, in the project that its stack has for such users. `reads`: its own resource's metadata, no other's."""

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
        self, name: str, project: str, stack_id: str, resource: str, password: Secret, reads: bool
    ) -> StackUser:
        user = StackUser(uuid.uuid4().hex, name[:255], project, stack_id, resource, password, reads)
        self._users[user.id] = user
        return user

    def find(self, user_id: str) -> StackUser | None:
        return self._users.get(user_id)

    def find_by_name(self, name: str) -> StackUser | None:
        return next((user for user in self._users.values() if user.name == name), None)

    def remove(self, user_id: str) -> None:
        """Fine where there is no such user."""
        self._users.pop(user_id, None)
