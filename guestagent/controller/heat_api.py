"""Heat as the controller needs it: fifteen requests and their results. `openstack_heat.py` makes them.

Reading a stack while Heat works on it can break it: outputs and attributes are resolved then, and that writes. So only
`stacks`, `resources`, `all_resources` and `template` are safe at any time. Requests for an idle stack only are marked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from guestagent.secret import Secret

NO_PARAMETERS: Mapping[str, Secret] = {}
CONDITION_TYPE_FILTER = "WaitCondition"  # a part of the types of conditions and handles, in both formats


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack as the list of stacks shows it. `updated` is when its newest update began, "" before the first one."""

    id: str
    name: str
    status: str
    reason: str = ""
    updated: str = ""

    @property
    def in_progress(self) -> bool:
        return self.status.endswith("_IN_PROGRESS")

    @property
    def failed(self) -> bool:
        return self.status.endswith("_FAILED")


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of a stack. Only `Heat.detailed` reads the `attributes`.

    `id` is that of the server, volume or other object behind it, "" if there is none; `type` is its type in the
    template.
    """

    name: str
    status: str
    reason: str = ""
    attributes: Mapping[str, object] = field(default_factory=dict)
    id: str = ""
    type: str = ""

    @property
    def begun(self) -> bool:
        """Whether Heat has begun to create it. Until then its status is INIT_COMPLETE."""
        return not self.status.startswith("INIT")


class Heat(Protocol):
    """The requests. They raise CloudUnreachable if repeating may help, and CloudRefused if Heat has rejected them."""

    def stacks(self, *names: str) -> tuple[Stack, ...]:
        """List the stacks of these names that exist. Safe at any time."""

    def resources(self, stack: Stack) -> tuple[Resource, ...]:
        """List the conditions and handles of a stack, without attributes. Safe at any time."""

    def all_resources(self, stack: Stack) -> tuple[Resource, ...]:
        """List all resources of a stack, without attributes. Safe at any time."""

    def detailed(self, stack: Stack) -> tuple[Resource, ...]:
        """List the conditions and handles with their attributes. For an idle stack only."""

    def outputs(self, stack: Stack) -> Mapping[str, object]:
        """Read the outputs by name. For an idle stack only."""

    def template(self, stack: Stack) -> object:
        """Read the newest template. Safe at any time: Heat reads it from its database, and resolves nothing."""

    def create(
        self,
        name: str,
        template: Mapping[str, Any],
        timeout_minutes: int,
        parameters: Mapping[str, Secret] = NO_PARAMETERS,
    ) -> str:
        """Launch a stack and return its id. `parameters` are the values of the template's parameters."""

    def update(
        self,
        stack: Stack,
        template: Mapping[str, Any],
        timeout_minutes: int,
        parameters: Mapping[str, Secret] = NO_PARAMETERS,
    ) -> None:
        """Update a stack to another template. Parameters that are not named here keep their values."""

    def delete(self, stack: Stack) -> None:
        """Delete a stack, or do nothing if it does not exist."""

    def mark_resource(self, stack: Stack, name: str, reason: str, *, is_unhealthy: bool) -> None:
        """Have Heat replace a resource in the next update, or take that back. It refuses while it works on it."""

    def validate(self, template: Mapping[str, Any]) -> None:
        """Raise CloudRefused with Heat's reason if it would reject the template."""

    def metadata_url(self) -> str | None:
        """Return the public address of the CFN API in the catalog, or None."""

    def heat_url(self) -> str | None:
        """Return the public address of heat-api in the catalog, which the guests use too, or None."""

    def resource_types(self) -> frozenset[str]:
        """List the resource types that this user may use in this cloud."""

    def template_versions(self) -> frozenset[str]:
        """List the versions of both template formats, as in heat_template_version.2018-08-31."""
