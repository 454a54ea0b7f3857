"""A Heat in memory, for tests of whoever uses the library: it walks through an action one poll at a time.

`asked` is every request in order. `endangered` are the reads that a real stack in progress may not survive.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from guestagent.controller.heat_api import NO_PARAMETERS, Resource, Stack
from guestagent.controller.template.requirements import REQUIREMENTS
from guestagent.errors import CloudRefused, CloudUnreachable
from guestagent.secret import Secret

CONDITION_TYPES = frozenset({"AWS::CloudFormation::WaitCondition", "OS::Heat::WaitCondition"})


@dataclass(slots=True)
class FakeStack:
    """A stack and what is left to do on it: the names of conditions that wait for a signal, in order."""

    stack: Stack
    template: Mapping[str, Any]
    timeout_minutes: int
    resources: dict[str, Resource] = field(default_factory=dict)
    pending_conditions: list[str] = field(default_factory=list)
    parameters: dict[str, Secret] = field(default_factory=dict)

    def advance(self, verdicts: Mapping[str, str]) -> None:
        """One step: the next condition gets its signal; after the last one the action is complete."""
        if not self.stack.in_progress:
            return
        action = self.stack.status.partition("_")[0]
        if not self.pending_conditions:
            self.stack = replace(self.stack, status=f"{action}_COMPLETE", reason=f"Stack {action} completed")
            return
        name = self.pending_conditions.pop(0)
        if reason := verdicts.get(name):
            said = f"WaitConditionFailure: resources.{name}: {reason}"
            self.resources[name] = Resource(name, "CREATE_FAILED", said)
            reason = f"Resource CREATE failed: {said}"
            self.stack = replace(self.stack, status=f"{action}_FAILED", reason=reason)
            return
        data = json.dumps({name: json.dumps({"condition": name})})
        self.resources[name] = Resource(name, "CREATE_COMPLETE", "", {"Data": data})

    def start_action(
        self, template: Mapping[str, Any], minutes: int, parameters: Mapping[str, Secret] = NO_PARAMETERS
    ) -> None:
        """Begin with a template: what completed before stays, what is new or failed waits for a signal."""
        self.parameters = _given(template, {**self.parameters, **parameters})
        self.template, self.timeout_minutes = template, minutes
        wanted, handles = _conditions(template)
        old = self.resources
        self.resources = {name: Resource(name, "CREATE_COMPLETE") for name in handles}
        for name in wanted:
            kept = old.get(name)
            done = kept is not None and kept.status == "CREATE_COMPLETE"
            self.resources[name] = kept if kept and done else Resource(name, "CREATE_IN_PROGRESS")
        self.pending_conditions = [
            name for name in wanted if self.resources[name].status == "CREATE_IN_PROGRESS"
        ]


class FakeHeat:
    """The fake. `verdicts` gives conditions a reason to fail.

    `down` is how many requests from now get no answer and have no effect. A verb ("create", say) in `drops` never
    arrives, one in `loses` is obeyed but its answer is lost, once for each time that it stands there. `late` is how
    many polls after an update still show the stack as it was before. `types` and `versions` are what Heat tells that it
    has (None: it refuses to), `url` and `api_url` where the catalog has its CFN API and heat-api (None: nowhere).
    """

    def __init__(self) -> None:
        self.live: dict[str, FakeStack] = {}
        self.asked: list[str] = []
        self.endangered: list[str] = []
        self.verdicts: dict[str, str] = {}
        self.down = 0
        self.drops: list[str] = []
        self.loses: list[str] = []
        self.late = 0
        self.url: str | None = "http://heat.example:8000/v1/"
        self.api_url: str | None = "http://heat.example:8004/v1/project"
        self.types: frozenset[str] | None = frozenset().union(*(each.types for each in REQUIREMENTS.values()))
        self.versions: frozenset[str] | None = frozenset(each.version for each in REQUIREMENTS.values())
        self._count = 0
        self._before: Stack | None = None

    def stacks(self, *names: str) -> tuple[Stack, ...]:
        self._answer("stacks")
        if self.late and self._before is not None:
            self.late -= 1
            return (self._before,)
        return tuple(self._walked(name).stack for name in names if name in self.live)

    def resources(self, stack: Stack) -> tuple[Resource, ...]:
        self._answer("resources")
        walked = self._walked(stack.name)
        return tuple(replace(resource, attributes={}) for resource in walked.resources.values())

    def detailed(self, stack: Stack) -> tuple[Resource, ...]:
        return tuple(self._later("detailed", stack).resources.values())

    def outputs(self, stack: Stack) -> Mapping[str, object]:
        template = self._later("outputs", stack).template
        names = template.get("Outputs") or template.get("outputs") or {}
        return {name: f"10.0.0.{number}" for number, name in enumerate(names, start=10)}

    def template(self, stack: Stack) -> object:
        return json.loads(json.dumps(self._later("template", stack).template))

    def create(
        self,
        name: str,
        template: Mapping[str, Any],
        timeout_minutes: int,
        parameters: Mapping[str, Secret] = NO_PARAMETERS,
    ) -> str:
        self._answer("create")
        if name in self.live:
            raise CloudRefused(f"The Stack ({name}) already exists.")
        self._count += 1
        made = Stack(f"stack-{self._count}", name, "CREATE_IN_PROGRESS", "Stack CREATE started")
        launched = FakeStack(made, template, timeout_minutes)
        launched.start_action(template, timeout_minutes, parameters)
        self.live[name] = launched
        self._lose("create")
        return made.id

    def update(
        self,
        stack: Stack,
        template: Mapping[str, Any],
        timeout_minutes: int,
        parameters: Mapping[str, Secret] = NO_PARAMETERS,
    ) -> None:
        self._answer("update")
        live = self.live[stack.name]
        if live.stack.in_progress:
            raise CloudRefused(f"Stack {stack.name} already has an action ({live.stack.status}) in progress.")
        live.start_action(template, timeout_minutes, parameters)
        self._count += 1
        self._before = live.stack
        live.stack = replace(live.stack, status="UPDATE_IN_PROGRESS", reason="", updated=str(self._count))
        self._lose("update")

    def delete(self, stack: Stack) -> None:
        self._answer("delete")
        self.live.pop(stack.name, None)
        self._lose("delete")

    def validate(self, template: Mapping[str, Any]) -> None:
        self._answer("validate")
        if not {"AWSTemplateFormatVersion", "heat_template_version"} & set(template):
            raise CloudRefused("Template format version not found.")

    def metadata_url(self) -> str | None:
        self._answer("metadata_url")
        return self.url

    def heat_url(self) -> str | None:
        self._answer("heat_url")
        return self.api_url

    def resource_types(self) -> frozenset[str]:
        return self._told("resource_types", self.types)

    def template_versions(self) -> frozenset[str]:
        return self._told("template_versions", self.versions)

    def _told(self, verb: str, known: frozenset[str] | None) -> frozenset[str]:
        self._answer(verb)
        if known is None:
            raise CloudRefused(f"You are not authorized to use {verb}.")
        return known

    def _answer(self, verb: str) -> None:
        self.asked.append(verb)
        if self.down:
            self.down -= 1
            raise CloudUnreachable(f"no answer to {verb}")
        if verb in self.drops:
            self.drops.remove(verb)
            raise CloudUnreachable(f"{verb} did not arrive")

    def _lose(self, verb: str) -> None:
        if verb in self.loses:
            self.loses.remove(verb)
            raise CloudUnreachable(f"the answer to {verb} was lost")

    def _walked(self, name: str) -> FakeStack:
        self.live[name].advance(self.verdicts)
        return self.live[name]

    def _later(self, verb: str, stack: Stack) -> FakeStack:
        self._answer(verb)
        live = self.live[stack.name]
        if live.stack.in_progress:
            self.endangered.append(verb)
        return live


def _given(template: Mapping[str, Any], known: Mapping[str, Secret]) -> dict[str, Secret]:
    """The values of the template's parameters; of what it does not have nothing is kept."""
    wanted = template.get("Parameters") or template.get("parameters") or {}
    for name in wanted:
        if name not in known:
            raise CloudRefused(f"The Parameter ({name}) was not provided.")
    return {name: known[name] for name in wanted}


def _conditions(template: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The names of the conditions in a template of either dialect, and those of their handles."""
    found: Mapping[str, Any] = template.get("Resources") or template["resources"]
    wanted = [
        name for name, given in found.items() if (given.get("Type") or given["type"]) in CONDITION_TYPES
    ]
    handles = [_handle(found[name]) for name in wanted]
    return wanted, handles


def _handle(condition: Mapping[str, Any]) -> str:
    if "properties" in condition:
        return str(condition["properties"]["handle"]["get_resource"])
    return str(condition["Properties"]["Handle"]["Ref"])
