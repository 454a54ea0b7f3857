"""A fake Heat in memory, for tests of programs that use the library. An action advances one step a poll."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from guestagent.controller.heat_api import NO_PARAMETERS, Resource, Stack
from guestagent.controller.template.cloud_requirements import REQUIREMENTS
from guestagent.errors import CloudRefused, CloudUnreachable
from guestagent.secret import Secret

CONDITION_TYPES = frozenset({"AWS::CloudFormation::WaitCondition", "OS::Heat::WaitCondition"})


@dataclass(slots=True)
class FakeStack:
    """A stack. `pending_conditions` are the names of the conditions that still wait for a signal, in order."""

    stack: Stack
    template: Mapping[str, Any]
    timeout_minutes: int
    resources: dict[str, Resource] = field(default_factory=dict)
    pending_conditions: list[str] = field(default_factory=list)
    parameters: dict[str, Secret] = field(default_factory=dict)

    def advance(self, verdicts: Mapping[str, str]) -> None:
        """Advance by one step: the next condition gets its signal; after the last one the action is complete."""
        if not self.stack.in_progress:
            return
        action = self.stack.status.partition("_")[0]
        if not self.pending_conditions:
            self.stack = replace(self.stack, status=f"{action}_COMPLETE", reason=f"Stack {action} completed")
            return
        name = self.pending_conditions.pop(0)
        if reason := verdicts.get(name):
            status_reason = f"WaitConditionFailure: resources.{name}: {reason}"
            self.resources[name] = Resource(name, "CREATE_FAILED", status_reason)
            reason = f"Resource CREATE failed: {status_reason}"
            self.stack = replace(self.stack, status=f"{action}_FAILED", reason=reason)
            return
        data = json.dumps({name: json.dumps({"condition": name})})
        self.resources[name] = Resource(name, "CREATE_COMPLETE", "", {"Data": data})

    def start_action(
        self, template: Mapping[str, Any], minutes: int, parameters: Mapping[str, Secret] = NO_PARAMETERS
    ) -> None:
        """Begin an action: completed conditions stay, new and failed ones wait for a signal."""
        self.parameters = _select_parameters(template, {**self.parameters, **parameters})
        self.template, self.timeout_minutes = template, minutes
        conditions, handles = _list_conditions(template)
        old = self.resources
        self.resources = {name: Resource(name, "CREATE_COMPLETE") for name in handles}
        for name in conditions:
            resource = old.get(name)
            is_complete = resource is not None and resource.status == "CREATE_COMPLETE"
            self.resources[name] = (
                resource if resource and is_complete else Resource(name, "CREATE_IN_PROGRESS")
            )
        self.pending_conditions = [
            name for name in conditions if self.resources[name].status == "CREATE_IN_PROGRESS"
        ]


class FakeHeat:
    """A fake of `Heat`. `asked` lists every request in order, `endangered` the reads that can break a real stack.

    `verdicts` gives conditions a reason to fail, `statuses` other resources another status than CREATE_COMPLETE; the
    id behind a resource is its name with `-id`, and a number if it was replaced. The next `down` requests get no answer
    and have no effect. A request ("create", for example) in `drops` never arrives; one in `loses` has its effect, but
    its answer is lost; each once for every entry. The next `late` polls after an update show the stack as it was
    before. `types` and `versions` are what Heat lists (None: it refuses to); `url` and `api_url` are the addresses of
    its CFN API and of heat-api in the catalog (None: not there).
    """

    def __init__(self) -> None:
        self.live: dict[str, FakeStack] = {}
        self.asked: list[str] = []
        self.endangered: list[str] = []
        self.verdicts: dict[str, str] = {}
        self.statuses: dict[str, str] = {}
        self.down = 0
        self.drops: list[str] = []
        self.loses: list[str] = []
        self.late = 0
        self.url: str | None = "http://heat.example:8000/v1/"
        self.api_url: str | None = "http://heat.example:8004/v1/project"
        self.types: frozenset[str] | None = frozenset().union(
            *(requirements.types for requirements in REQUIREMENTS.values())
        )
        self.versions: frozenset[str] | None = frozenset(
            requirements.version for requirements in REQUIREMENTS.values()
        )
        self._count = 0
        self._before: Stack | None = None
        self._replacements: dict[str, int] = {}

    def stacks(self, *names: str) -> tuple[Stack, ...]:
        self._receive("stacks")
        if self.late and self._before is not None:
            self.late -= 1
            return (self._before,)
        return tuple(self._advance_stack(name).stack for name in names if name in self.live)

    def resources(self, stack: Stack) -> tuple[Resource, ...]:
        self._receive("resources")
        advanced = self._advance_stack(stack.name)
        return tuple(replace(resource, attributes={}) for resource in advanced.resources.values())

    def all_resources(self, stack: Stack) -> tuple[Resource, ...]:
        self._receive("all_resources")
        live = self._advance_stack(stack.name)
        definitions: Mapping[str, Any] = live.template.get("Resources") or live.template["resources"]
        known = {name: replace(resource, attributes={}) for name, resource in live.resources.items()}
        others = {
            name: self.statuses.get(name, "CREATE_COMPLETE") for name in definitions if name not in known
        }
        resources = known | {name: Resource(name, status) for name, status in others.items()}
        return tuple(
            replace(
                resources[name],
                id=self.get_resource_id(name),
                type=str(definition.get("Type") or definition["type"]),
            )
            for name, definition in definitions.items()
        )

    def detailed(self, stack: Stack) -> tuple[Resource, ...]:
        return tuple(self._read_idle_stack("detailed", stack).resources.values())

    def outputs(self, stack: Stack) -> Mapping[str, object]:
        template = self._read_idle_stack("outputs", stack).template
        names = template.get("Outputs") or template.get("outputs") or {}
        return {name: f"10.0.0.{number}" for number, name in enumerate(names, start=10)}

    def template(self, stack: Stack) -> object:
        self._receive("template")
        return json.loads(json.dumps(self.live[stack.name].template))

    def create(
        self,
        name: str,
        template: Mapping[str, Any],
        timeout_minutes: int,
        parameters: Mapping[str, Secret] = NO_PARAMETERS,
    ) -> str:
        self._receive("create")
        if name in self.live:
            raise CloudRefused(f"The Stack ({name}) already exists.")
        self._count += 1
        stack = Stack(f"stack-{self._count}", name, "CREATE_IN_PROGRESS", "Stack CREATE started")
        launched = FakeStack(stack, template, timeout_minutes)
        launched.start_action(template, timeout_minutes, parameters)
        self.live[name] = launched
        self._lose_answer("create")
        return stack.id

    def update(
        self,
        stack: Stack,
        template: Mapping[str, Any],
        timeout_minutes: int,
        parameters: Mapping[str, Secret] = NO_PARAMETERS,
    ) -> None:
        self._receive("update")
        live = self.live[stack.name]
        if live.stack.in_progress:
            raise CloudRefused(f"Stack {stack.name} already has an action ({live.stack.status}) in progress.")
        live.start_action(template, timeout_minutes, parameters)
        for name in [name for name, status in self.statuses.items() if status == "CHECK_FAILED"]:
            del self.statuses[name]
            self._replacements[name] = self._replacements.get(name, 0) + 1
        self._count += 1
        self._before = live.stack
        live.stack = replace(live.stack, status="UPDATE_IN_PROGRESS", reason="", updated=str(self._count))
        self._lose_answer("update")

    def delete(self, stack: Stack) -> None:
        self._receive("delete")
        self.live.pop(stack.name, None)
        self._lose_answer("delete")

    def mark_resource(self, stack: Stack, name: str, reason: str, *, is_unhealthy: bool) -> None:
        self._receive("mark")
        if is_unhealthy:
            self.statuses[name] = "CHECK_FAILED"
        elif self.statuses.get(name) == "CHECK_FAILED":
            self.statuses[name] = "CHECK_COMPLETE"
        self._lose_answer("mark")

    def get_resource_id(self, name: str) -> str:
        """Return the id behind a resource: another one after each replacement."""
        number = self._replacements.get(name, 0)
        return f"{name}-id" + (f"-{number}" if number else "")

    def validate(self, template: Mapping[str, Any]) -> None:
        self._receive("validate")
        if not {"AWSTemplateFormatVersion", "heat_template_version"} & set(template):
            raise CloudRefused("Template format version not found.")

    def metadata_url(self) -> str | None:
        self._receive("metadata_url")
        return self.url

    def heat_url(self) -> str | None:
        self._receive("heat_url")
        return self.api_url

    def resource_types(self) -> frozenset[str]:
        return self._list("resource_types", self.types)

    def template_versions(self) -> frozenset[str]:
        return self._list("template_versions", self.versions)

    def _list(self, request: str, names: frozenset[str] | None) -> frozenset[str]:
        self._receive(request)
        if names is None:
            raise CloudRefused(f"You are not authorized to use {request}.")
        return names

    def _receive(self, request: str) -> None:
        self.asked.append(request)
        if self.down:
            self.down -= 1
            raise CloudUnreachable(f"no answer to {request}")
        if request in self.drops:
            self.drops.remove(request)
            raise CloudUnreachable(f"{request} did not arrive")

    def _lose_answer(self, request: str) -> None:
        if request in self.loses:
            self.loses.remove(request)
            raise CloudUnreachable(f"the answer to {request} was lost")

    def _advance_stack(self, name: str) -> FakeStack:
        self.live[name].advance(self.verdicts)
        return self.live[name]

    def _read_idle_stack(self, request: str, stack: Stack) -> FakeStack:
        self._receive(request)
        live = self.live[stack.name]
        if live.stack.in_progress:
            self.endangered.append(request)
        return live


def _select_parameters(template: Mapping[str, Any], values: Mapping[str, Secret]) -> dict[str, Secret]:
    """Return the values of the template's parameters, and no others."""
    declared = template.get("Parameters") or template.get("parameters") or {}
    for name in declared:
        if name not in values:
            raise CloudRefused(f"The Parameter ({name}) was not provided.")
    return {name: values[name] for name in declared}


def _list_conditions(template: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """List the names of the conditions in a template of either format, and those of their handles."""
    resources: Mapping[str, Any] = template.get("Resources") or template["resources"]
    conditions = [
        name
        for name, resource in resources.items()
        if (resource.get("Type") or resource["type"]) in CONDITION_TYPES
    ]
    handles = [_get_handle(resources[name]) for name in conditions]
    return conditions, handles


def _get_handle(condition: Mapping[str, Any]) -> str:
    if "properties" in condition:
        return str(condition["properties"]["handle"]["get_resource"])
    return str(condition["Properties"]["Handle"]["Ref"])
