"""The revision of an object of Neutron: how often it was changed, and when. A change may be bound to one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from guestagent.embedded.host.clock import format_timestamp, get_utc_time
from guestagent.embedded.openstack.neutron.errors import RevisionNumberConstraintFailed

CONSTRAINT_PATTERN = re.compile(r'"?revision_number=(\d+)"?')


@dataclass(slots=True, eq=False)
class Revision:
    """The number of an object's revision, which grows with each change."""

    number: int = 1
    created: datetime = field(default_factory=get_utc_time)
    updated: datetime = field(default_factory=get_utc_time)

    def bump(self) -> None:
        """Note a change."""
        self.number, self.updated = self.number + 1, get_utc_time()

    def check(self, constraint: str) -> None:
        """Refuse a change that is meant for another revision. `constraint` is the header If-Match."""
        found = CONSTRAINT_PATTERN.fullmatch(constraint)
        if found is not None and int(found[1]) != self.number:
            raise RevisionNumberConstraintFailed(int(found[1]), self.number)

    def format(self) -> dict[str, object]:
        """Return the attributes that each object has."""
        return {**self.format_without_tags(), "tags": []}

    def format_without_tags(self) -> dict[str, object]:
        """The same for a rule of a security group, to which Neutron shows a member no tags."""
        return {
            "created_at": format_timestamp(self.created),
            "updated_at": format_timestamp(self.updated),
            "revision_number": self.number,
        }
