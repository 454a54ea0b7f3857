"""Heat as one round of ORCHESTRATOR uses it: each request is sent once, and recorded first if it changes something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from guestagent.controller.heat_api import NO_PARAMETERS, Heat, Resource, Stack
from guestagent.errors import CloudError, CloudUnreachable
from guestagent.resources.orchestrator.template_mark import TemplateMark, mark_new_volumes, mark_template
from guestagent.secret import Secret

Answer = TypeVar("Answer")


class HeatRequestFailed(Exception):
    """A request has failed in a way that another round may not see: the round ends. `error` is what happened.

    It is no CloudError, so that the controller's library does not repeat the request.
    """

    def __init__(self, error: CloudError) -> None:
        super().__init__(str(error))
        self.error = error


class RecordedHeat:
    """The requests of `Heat`. `record` is called before one that changes something, whose template gets the `mark`.

    `present` is the template that the stack has (None: there is none). Volumes that are not in it get the store's mark.
    CloudRefused of a request that changes something is passed on: it had no effect. All other errors become
    HeatRequestFailed.
    """

    def __init__(self, heat: Heat, mark: TemplateMark, record: Callable[[], None], present: object) -> None:
        self._heat, self._mark, self._record, self._present = heat, mark, record, present
        self.is_sent = False

    def stacks(self, *names: str) -> tuple[Stack, ...]:
        return read_once(lambda: self._heat.stacks(*names))

    def resources(self, stack: Stack) -> tuple[Resource, ...]:
        return read_once(lambda: self._heat.resources(stack))

    def all_resources(self, stack: Stack) -> tuple[Resource, ...]:
        return read_once(lambda: self._heat.all_resources(stack))

    def detailed(self, stack: Stack) -> tuple[Resource, ...]:
        return read_once(lambda: self._heat.detailed(stack))

    def outputs(self, stack: Stack) -> Mapping[str, object]:
        return read_once(lambda: self._heat.outputs(stack))

    def template(self, stack: Stack) -> object:
        return read_once(lambda: self._heat.template(stack))

    def create(
        self,
        name: str,
        template: Mapping[str, Any],
        timeout_minutes: int,
        parameters: Mapping[str, Secret] = NO_PARAMETERS,
    ) -> str:
        marked = self._mark_template(template)
        return self._send(lambda: self._heat.create(name, marked, timeout_minutes, parameters))

    def update(
        self,
        stack: Stack,
        template: Mapping[str, Any],
        timeout_minutes: int,
        parameters: Mapping[str, Secret] = NO_PARAMETERS,
    ) -> None:
        marked = self._mark_template(template)
        self._send(lambda: self._heat.update(stack, marked, timeout_minutes, parameters))

    def delete(self, stack: Stack) -> None:
        self._send(lambda: self._heat.delete(stack))

    def mark_resource(self, stack: Stack, name: str, reason: str, *, is_unhealthy: bool) -> None:
        self._send(lambda: self._heat.mark_resource(stack, name, reason, is_unhealthy=is_unhealthy))

    def validate(self, template: Mapping[str, Any]) -> None:
        _ask_unless_unreachable(lambda: self._heat.validate(template))

    def metadata_url(self) -> str | None:
        return read_once(self._heat.metadata_url)

    def heat_url(self) -> str | None:
        return read_once(self._heat.heat_url)

    def resource_types(self) -> frozenset[str]:
        return _ask_unless_unreachable(self._heat.resource_types)

    def template_versions(self) -> frozenset[str]:
        return _ask_unless_unreachable(self._heat.template_versions)

    def _mark_template(self, template: Mapping[str, Any]) -> dict[str, Any]:
        marked = mark_new_volumes(template, self._mark.store, self._present)
        return mark_template(marked, self._mark)

    def _send(self, request: Callable[[], Answer]) -> Answer:
        self._record()
        self.is_sent = True
        return _ask_unless_unreachable(request)


def read_once(request: Callable[[], Answer]) -> Answer:
    """Return the answer of a request that changes nothing. Raise HeatRequestFailed for every error of the cloud."""
    try:
        return request()
    except CloudError as error:
        raise HeatRequestFailed(error) from error


def _ask_unless_unreachable(request: Callable[[], Answer]) -> Answer:
    """Return the answer. A refusal says something about the request itself, so it is passed on."""
    try:
        return request()
    except CloudUnreachable as error:
        raise HeatRequestFailed(error) from error
