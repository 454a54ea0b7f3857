"""Heat as the controller needs it: thirteen requests, and what they answer. `cloud.py` makes them; `fake.py` acts them.

Reading a stack while Heat works on it can break it: outputs and attributes are resolved then, and that writes.
So only `stacks` and `resources` may be asked at any time; what is said to be for later waits for the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from guestagent.errors import UnsupportedEnvironment
from guestagent.secret import Secret

NO_PARAMETERS: Mapping[str, Secret] = {}
CONDITION_TYPE_FILTER = (
    "WaitCondition"  # a part of the types of conditions and of their handles, in both dialects
)


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack as the list shows it. `updated` changes with every update and means nothing else."""

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
    """One resource of a stack; `attributes` only where details were asked for."""

    name: str
    status: str
    reason: str = ""
    attributes: Mapping[str, object] = field(default_factory=dict)

    @property
    def begun(self) -> bool:
        """Whether Heat has come to it; what it has only read of in the template is INIT_COMPLETE."""
        return not self.status.startswith("INIT")


def connect(cloud: str | None = None) -> Heat:
    """Heat of the cloud of that name in clouds.yaml; None: the one of OS_CLOUD, or of the other OS_ variables.

    CloudRefused where there is no such cloud; nothing is asked of it yet. UnsupportedEnvironment without
    openstacksdk, which `guestagent[controller]` brings.
    """
    try:
        from guestagent.controller import openstack_heat as openstack
    except ImportError as error:
        missing = f"{error.name} is missing: install guestagent[controller]"
        raise UnsupportedEnvironment(missing) from error
    return openstack.open_heat(cloud)


class Heat(Protocol):
    """Each call is one request. CloudUnreachable where it may pass, CloudRefused where Heat said no."""

    def stacks(self, *names: str) -> tuple[Stack, ...]:
        """The stacks of these names that there are; for any number of them. Always safe."""

    def resources(self, stack: Stack) -> tuple[Resource, ...]:
        """The conditions and handles of a stack, without details. Always safe."""

    def detailed(self, stack: Stack) -> tuple[Resource, ...]:
        """The same with their attributes. For later."""

    def outputs(self, stack: Stack) -> Mapping[str, object]:
        """The outputs by name. For later."""

    def template(self, stack: Stack) -> object:
        """The template as it was last given. For later."""

    def create(
        self,
        name: str,
        template: Mapping[str, Any],
        timeout_minutes: int,
        parameters: Mapping[str, Secret] = NO_PARAMETERS,
    ) -> str:
        """Launch a stack; its id. `parameters` are the values of the template's own."""

    def update(
        self,
        stack: Stack,
        template: Mapping[str, Any],
        timeout_minutes: int,
        parameters: Mapping[str, Secret] = NO_PARAMETERS,
    ) -> None:
        """Give a stack another template. Of its parameters those that are not given here keep their values."""

    def delete(self, stack: Stack) -> None:
        """Delete a stack; fine where it is gone."""

    def validate(self, template: Mapping[str, Any]) -> None:
        """CloudRefused with Heat's words where it would not take the template."""

    def metadata_url(self) -> str | None:
        """The public address of the CFN API in the catalog; None where it is not there."""

    def heat_url(self) -> str | None:
        """The public address of heat-api in the catalog, which is the guests' too; None where it is not there."""

    def resource_types(self) -> frozenset[str]:
        """The types that a template of ours may use in this cloud."""

    def template_versions(self) -> frozenset[str]:
        """The versions of both dialects, as in heat_template_version.2018-08-31."""
