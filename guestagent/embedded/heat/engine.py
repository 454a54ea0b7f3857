"""The fake Heat's engine: stacks, and the operations on them. One asyncio task a stack operation."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

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
    UPDATE,
    HeatStack,
    StackResource,
)
from guestagent.embedded.heat.rollback import RollbackTarget, cancel_resource_tasks, roll_back
from guestagent.embedded.heat.stack_scope import StackScope
from guestagent.embedded.heat.template import parameters
from guestagent.embedded.heat.template.parser import EMPTY_TEMPLATE, Template
from guestagent.embedded.host.clock import get_utc_time
from guestagent.embedded.http.errors import EntityNotFound, NotSupported

log = logging.getLogger(__name__)

STACK_TIMEOUT_MINS = 60
DELETION_DELAY_S = 0.2  # a real Heat's stack takes a moment to go, and keeps its name for as long


@dataclass(frozen=True, slots=True)
class StackRequest:
    """The contents of a request to create or update a stack."""

    template: Template
    input_parameters: Mapping[str, object]
    timeout_mins: float | None = None
    disable_rollback: bool | None = None
    tags: tuple[str, ...] = ()

    def replace_parameters(self, input_parameters: Mapping[str, object]) -> StackRequest:
        return replace(self, input_parameters=input_parameters)


class Engine:
    """Every stack of the cloud. Its methods return at once; the work runs in tasks of the event loop."""

    def __init__(self, context: CloudContext, detaches_to_grow: bool = True) -> None:
        self.context = context
        self.resource_types: ResourceTypes = build_registry(context, detaches_to_grow)
        self.stacks: dict[str, HeatStack] = {}

    def create_stack(self, name: str, project: str, request: StackRequest) -> HeatStack:
        """Start to create a stack; ApiError if Heat would reject it."""
        if any(stack.name == name for stack in self.list_stacks()):
            raise StackExists(f"The Stack ({name}) already exists.")
        stack = HeatStack(
            name=name,
            project=project,
            template=request.template,
            parameters=self._resolve_parameters(request),
            input_parameters=request.input_parameters,
            timeout_mins=request.timeout_mins,
            disable_rollback=request.disable_rollback is not False,
            tags=request.tags,
        )
        self.stacks[stack.id] = stack
        self._start_operation(stack, CREATE, request.template, RollbackTarget())
        return stack

    def update_stack(self, stack: HeatStack, request: StackRequest) -> None:
        """Start an update. A running one is cancelled; its resources finish what they have begun."""
        if stack.action == DELETE:
            raise NotSupported("Updating a stack when it is deleting is not supported.")
        values = self._resolve_parameters(request)
        parameters.check_immutable(request.template.parameters, stack.parameters, values)
        rollback_target = RollbackTarget(stack.template, stack.parameters, stack.input_parameters)
        stack.template, stack.parameters, stack.input_parameters = (
            request.template,
            values,
            request.input_parameters,
        )
        if request.disable_rollback is not None:
            stack.disable_rollback = request.disable_rollback
        stack.updated_at = get_utc_time()
        stack.timeout_mins = stack.timeout_mins if request.timeout_mins is None else request.timeout_mins
        stack.tags = request.tags
        self._start_operation(stack, UPDATE, request.template, rollback_target)

    def delete_stack(self, stack: HeatStack) -> None:
        """Start to delete a stack. Running operations are cancelled."""
        if stack.deleted_at is None and stack.state != f"{DELETE}_{IN_PROGRESS}":
            for task in stack.resource_tasks:
                task.cancel()
            self._start_operation(stack, DELETE, EMPTY_TEMPLATE, RollbackTarget())

    def validate_request(self, request: StackRequest) -> None:
        """Reject a template that Heat would reject, whatever the values of parameters without a default."""
        template = request.template
        resolvable = {
            name: parameter
            for name, parameter in template.parameters.items()
            if parameter.default is not None or name in request.input_parameters
        }
        values = parameters.resolve_parameters(resolvable, request.input_parameters)
        validation.validate_template(
            template, self.resource_types, values, self.context.compute.check_constraint
        )

    def list_stacks(self) -> tuple[HeatStack, ...]:
        return tuple(stack for stack in self.stacks.values() if stack.deleted_at is None)

    def find_stack(self, name_or_id: str) -> HeatStack:
        """Find a stack that is not deleted by its name, or any stack by its id."""
        for stack in self.list_stacks():
            if name_or_id in (stack.name, stack.id):
                return stack
        if name_or_id in self.stacks:
            return self.stacks[name_or_id]
        raise EntityNotFound(f"The Stack ({name_or_id}) could not be found.")

    def get_resource_type(self, resource: StackResource) -> ResourceType:
        return self.resource_types[resource.type]

    def signal_resource(self, stack: HeatStack, resource: StackResource, body: object) -> None:
        """Signal a resource; ValueError if its type does not accept the signal."""
        stack.record_signal(resource, self.get_resource_type(resource).handle_signal(resource, body))
        for other in stack.resources.values():
            if other is not resource and other.action != INIT:
                self.get_resource_type(other).refresh_metadata(other)

    def build_scope(self, stack: HeatStack) -> StackScope:
        return StackScope(stack, self.resource_types)

    async def stop(self) -> None:
        """Cancel all operations."""
        stacks = self.stacks.values()
        tasks = [task for stack in stacks for task in (stack.operation_task, *stack.resource_tasks) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def crash(self) -> None:
        """Simulate that the engine is killed and restarted: stacks in progress stay so for good."""
        for stack in self.list_stacks():
            stack.is_orphaned = True
        await self.stop()
        for stack in self.list_stacks():
            stack.is_orphaned = False

    def _resolve_parameters(self, request: StackRequest) -> dict[str, object]:
        values = parameters.resolve_parameters(request.template.parameters, request.input_parameters)
        validation.validate_template(
            request.template, self.resource_types, values, self.context.compute.check_constraint
        )
        return values

    def _start_operation(
        self, stack: HeatStack, action: str, target: Template, rollback_target: RollbackTarget
    ) -> None:
        if stack.operation_task is not None:
            stack.operation_task.cancel()
        stack.set_state(action, IN_PROGRESS, f"Stack {action} started")
        stack.operation_task = asyncio.create_task(
            self._run_operation(stack, action, target, rollback_target)
        )
        stack.operation_task.add_done_callback(lambda task: _record_bug(stack, task))

    async def _run_operation(
        self, stack: HeatStack, action: str, target: Template, rollback_target: RollbackTarget
    ) -> None:
        """Run one operation to its end, and the rollback after it if the stack wants one."""
        failure = await self._converge(stack, action, target)
        if failure is None:
            stack.set_state(action, COMPLETE, f"Stack {action} completed successfully")
            if action == DELETE:
                stack.deleted_at = get_utc_time()
            return
        stack.set_state(action, FAILED, failure)
        if action in (CREATE, UPDATE) and not stack.disable_rollback:
            await roll_back(stack, rollback_target, self._converge)

    async def _converge(self, stack: HeatStack, action: str, target: Template) -> str | None:
        """Converge the stack within its time limit. Return the reason of a failure, or None."""
        if action == DELETE:
            await cancel_resource_tasks(stack)
            await asyncio.sleep(DELETION_DELAY_S)
        timeout_s = 60.0 * (stack.timeout_mins or STACK_TIMEOUT_MINS)
        try:
            return await asyncio.wait_for(
                converge_stack(stack, target, self.resource_types, self.context), timeout_s
            )
        except asyncio.TimeoutError:
            await cancel_resource_tasks(stack)
            return "Timed out"


def _record_bug(stack: HeatStack, task: asyncio.Task[None]) -> None:
    """Fail the stack if its operation ended with an unexpected exception: it must not stay in progress for ever."""
    if not task.cancelled() and (bug := task.exception()):
        log.error("stack %s: a bug of the embedded cloud", stack.name, exc_info=bug)
        stack.set_state(stack.action, FAILED, f"a bug of the embedded cloud: {type(bug).__name__}")
