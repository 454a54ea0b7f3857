"""The fake Heat's engine: stacks, and the operations on them. One asyncio task a stack operation."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from guestagent.embedded.heat import validation
from guestagent.embedded.heat.convergence import converge_stack
from guestagent.embedded.heat.errors import StackExists
from guestagent.embedded.heat.resources.registry import build_registry
from guestagent.embedded.heat.resources.resource_type import CloudContext, ResourceType, ResourceTypes
from guestagent.embedded.heat.resources.stack import (
    COMPLETE,
    CREATE,
    DELETE,
    FAILED,
    IN_PROGRESS,
    INIT,
    ROLLBACK,
    UPDATE,
    HeatStack,
    StackResource,
)
from guestagent.embedded.heat.stack_scope import StackScope
from guestagent.embedded.heat.template import parameters
from guestagent.embedded.heat.template.parser import EMPTY_TEMPLATE, Template
from guestagent.embedded.host.clock import get_utc_time
from guestagent.embedded.http.errors import EntityNotFound, NotSupported

log = logging.getLogger(__name__)

STACK_TIMEOUT_MINS = 60
DELETION_DELAY_S = 0.2  # seconds: a real Heat's stack is never gone at once, and keeps its name for as long


@dataclass(frozen=True, slots=True)
class StackRequest:
    """What a create or update request asks for."""

    template: Template
    input_parameters: Mapping[str, object]
    timeout_mins: float | None = None
    disable_rollback: bool | None = None
    tags: tuple[str, ...] = ()

    def replace_parameters(self, given: Mapping[str, object]) -> StackRequest:
        return replace(self, input_parameters=given)


@dataclass(frozen=True, slots=True)
class RollbackTarget:
    """What a rollback goes back to."""

    template: Template = EMPTY_TEMPLATE
    parameters: Mapping[str, object] = field(default_factory=dict)
    input_parameters: Mapping[str, object] = field(default_factory=dict)


class Engine:
    """Every stack of the cloud. Its methods return at once; the work goes on in tasks of the running loop."""

    def __init__(self, around: CloudContext) -> None:
        self.context = around
        self.resource_types: ResourceTypes = build_registry(around)
        self.stacks: dict[str, HeatStack] = {}

    def create_stack(self, name: str, project: str, wish: StackRequest) -> HeatStack:
        """Begin a new stack; a Refusal where Heat would refuse it."""
        if any(stack.name == name for stack in self.list_stacks()):
            raise StackExists(f"The Stack ({name}) already exists.")
        stack = HeatStack(
            name=name,
            project=project,
            template=wish.template,
            parameters=self._checked(wish),
            input_parameters=wish.input_parameters,
            timeout_mins=wish.timeout_mins,
            disable_rollback=wish.disable_rollback is not False,
            tags=wish.tags,
        )
        self.stacks[stack.id] = stack
        self._start(stack, CREATE, wish.template, RollbackTarget())
        return stack

    def update_stack(self, stack: HeatStack, wish: StackRequest) -> None:
        """Begin an update. One under way is left where it is; its resources end what they have begun."""
        if stack.action == DELETE:
            raise NotSupported("Updating a stack when it is deleting is not supported.")
        values = self._checked(wish)
        parameters.check_immutable(wish.template.parameters, stack.parameters, values)
        before = RollbackTarget(stack.template, stack.parameters, stack.input_parameters)
        stack.template, stack.parameters, stack.input_parameters = (
            wish.template,
            values,
            wish.input_parameters,
        )
        if wish.disable_rollback is not None:
            stack.disable_rollback = wish.disable_rollback
        stack.updated_at = get_utc_time()
        stack.timeout_mins = stack.timeout_mins if wish.timeout_mins is None else wish.timeout_mins
        stack.tags = wish.tags
        self._start(stack, UPDATE, wish.template, before)

    def delete_stack(self, stack: HeatStack) -> None:
        """Begin to delete; whatever is under way is stopped."""
        if stack.deleted_at is None and stack.state != f"{DELETE}_{IN_PROGRESS}":
            for task in stack.resource_tasks:
                task.cancel()
            self._start(stack, DELETE, EMPTY_TEMPLATE, RollbackTarget())

    def validate_request(self, wish: StackRequest) -> None:
        """A Refusal where a stack of this template would be refused, whatever the parameters without a value are."""
        template = wish.template
        told = {
            name: each
            for name, each in template.parameters.items()
            if each.default is not None or name in wish.input_parameters
        }
        values = parameters.resolve_parameters(told, wish.input_parameters)
        validation.validate_template(
            template, self.resource_types, values, self.context.compute.check_constraint
        )

    def list_stacks(self) -> tuple[HeatStack, ...]:
        return tuple(stack for stack in self.stacks.values() if stack.deleted_at is None)

    def find_stack(self, name_or_id: str) -> HeatStack:
        """A living stack by name, or any stack by id."""
        for stack in self.list_stacks():
            if name_or_id in (stack.name, stack.id):
                return stack
        if name_or_id in self.stacks:
            return self.stacks[name_or_id]
        raise EntityNotFound(f"The Stack ({name_or_id}) could not be found.")

    def get_resource_type(self, resource: StackResource) -> ResourceType:
        return self.resource_types[resource.type]

    def signal_resource(self, stack: HeatStack, resource: StackResource, body: object) -> None:
        """Hand a signal to a resource; ValueError where it is not one that its type takes."""
        stack.record_signal(resource, self.get_resource_type(resource).handle_signal(resource, body))
        for other in stack.resources.values():
            if other is not resource and other.action != INIT:
                self.get_resource_type(other).refresh_metadata(other)

    def build_scope(self, stack: HeatStack) -> StackScope:
        return StackScope(stack, self.resource_types)

    async def stop(self) -> None:
        """Cancel everything under way."""
        stacks = self.stacks.values()
        tasks = [task for stack in stacks for task in (stack.operation_task, *stack.resource_tasks) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def crash(self) -> None:
        """As if it were killed and started again: what was under way stays so for good, and nobody watches it."""
        for stack in self.list_stacks():
            stack.is_orphaned = True
        await self.stop()
        for stack in self.list_stacks():
            stack.is_orphaned = False

    def _checked(self, wish: StackRequest) -> dict[str, object]:
        values = parameters.resolve_parameters(wish.template.parameters, wish.input_parameters)
        validation.validate_template(
            wish.template, self.resource_types, values, self.context.compute.check_constraint
        )
        return values

    def _start(self, stack: HeatStack, action: str, target: Template, before: RollbackTarget) -> None:
        if stack.operation_task is not None:
            stack.operation_task.cancel()
        stack.set_state(action, IN_PROGRESS, f"Stack {action} started")
        stack.operation_task = asyncio.create_task(self._operate(stack, action, target, before))
        stack.operation_task.add_done_callback(lambda task: _own_up(stack, task))

    async def _operate(self, stack: HeatStack, action: str, target: Template, before: RollbackTarget) -> None:
        """One operation to its end, and the rollback after it where one is asked for."""
        failure = await self._in_time(stack, action, target)
        if failure is None:
            stack.set_state(action, COMPLETE, f"Stack {action} completed successfully")
            if action == DELETE:
                stack.deleted_at = get_utc_time()
            return
        stack.set_state(action, FAILED, failure)
        if action in (CREATE, UPDATE) and not stack.disable_rollback:
            await self._roll_back(stack, before)

    async def _roll_back(self, stack: HeatStack, before: RollbackTarget) -> None:
        stack.set_state(ROLLBACK, IN_PROGRESS, "Stack ROLLBACK started")
        await _cancelled(stack)
        if before.template.resources:
            stack.template, stack.parameters, stack.input_parameters = (
                before.template,
                before.parameters,
                before.input_parameters,
            )
        failure = await self._in_time(stack, ROLLBACK, before.template)
        if failure is None:
            stack.set_state(ROLLBACK, COMPLETE, "Stack ROLLBACK completed successfully")
        else:
            stack.set_state(ROLLBACK, FAILED, failure)

    async def _in_time(self, stack: HeatStack, action: str, target: Template) -> str | None:
        """What went wrong, or nothing."""
        if action == DELETE:
            await _cancelled(stack)
            await asyncio.sleep(DELETION_DELAY_S)
        seconds = 60.0 * (stack.timeout_mins or STACK_TIMEOUT_MINS)
        try:
            return await asyncio.wait_for(
                converge_stack(stack, target, self.resource_types, self.context), seconds
            )
        except asyncio.TimeoutError:
            await _cancelled(stack)
            return "Timed out"


async def _cancelled(stack: HeatStack) -> None:
    """Stop every resource that is under way, and wait until it has."""
    tasks = list(stack.resource_tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _own_up(stack: HeatStack, task: asyncio.Task[None]) -> None:
    """An operation that ended with an exception of ours must not leave the stack in progress for ever."""
    if not task.cancelled() and (bug := task.exception()):
        log.error("stack %s: a bug of the embedded cloud", stack.name, exc_info=bug)
        stack.set_state(stack.action, FAILED, f"a bug of the embedded cloud: {type(bug).__name__}")
