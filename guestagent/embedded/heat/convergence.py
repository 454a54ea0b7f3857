"""The change of a stack from its present state to a template.

Each resource has an asyncio task; everything waits for events. The resources that one needs come before it. A resource
is removed when nothing needs it, in parallel with everything else, as in Heat, and not at the end. If one resource
fails, the stack fails at once: resources in progress run to their own end, and no others are started.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping

from guestagent.embedded.heat.dependencies import DependencyGraph, list_ready, reverse_dependencies
from guestagent.embedded.heat.resources.resource_type import CloudContext, ResourceTypes
from guestagent.embedded.heat.resources.stack import (
    CHECK,
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
from guestagent.embedded.heat.stack_scope import StackScope
from guestagent.embedded.heat.template import property_schema
from guestagent.embedded.heat.template.functions import resolve_functions
from guestagent.embedded.heat.template.parser import Template
from guestagent.embedded.heat.update_action import (
    KeepResource,
    ReplaceResource,
    ResourceState,
    UpdateResource,
    choose_action,
)
from guestagent.embedded.heat.validation import build_dependencies
from guestagent.embedded.http.errors import ApiError, ResourceFailure
from guestagent.errors import GuestAgentError

ABANDONED_REASON = "Worker went down during resource"
RECOVERED_REASON = "Update status to COMPLETE for FAILED resource neither update nor replace."

ResourceStep = Callable[[str], Coroutine[None, None, str | None]]


async def converge_stack(
    stack: HeatStack, target: Template, resource_types: ResourceTypes, context: CloudContext
) -> str | None:
    """Create or change what the template holds, and remove the rest. Return the reason of a failure, or None."""
    _forget_deleted(stack)
    present_resources = {
        resource.id: resource for resource in (*stack.replaced_resources, *stack.resources.values())
    }
    for name, definition in target.resources.items():
        stack.resources.setdefault(name, StackResource(definition))  # INIT_COMPLETE, until its turn comes
    graph = build_dependencies(target)
    operation = StackOperation(stack, target, resource_types, context, graph, present_resources)
    removal_graph = _build_removal_dependencies(present_resources, graph)
    failure = await _run_steps(stack, {**graph, **removal_graph}, operation.run_step)
    if failure is None:
        _forget_deleted(stack)
    return failure


def _build_removal_dependencies(
    present_resources: Mapping[str, StackResource], graph: DependencyGraph
) -> DependencyGraph:
    """Build the graph of removals. A removal waits until the resource itself, if the template still has it, has been
    changed or replaced, and until those that needed it have.
    """
    resource_dependencies = {
        key: resource.dependencies & present_resources.keys() for key, resource in present_resources.items()
    }
    removal_graph: dict[str, frozenset[str]] = {}
    for key, dependents in reverse_dependencies(resource_dependencies).items():
        name = present_resources[key].name
        removal_graph[key] = frozenset({*dependents, name}) if name in graph else dependents
    return removal_graph


def _forget_deleted(stack: HeatStack) -> None:
    """Forget removed resources, which are shown until the operation is over."""
    for name, resource in list(stack.resources.items()):
        if resource.is_deleted:
            del stack.resources[name]


async def _run_steps(stack: HeatStack, graph: DependencyGraph, run_step: ResourceStep) -> str | None:
    """Run the step of every resource when those that it needs are done. Return at the first failure."""
    waiting, done = list(graph), set[str]()
    running_tasks: dict[asyncio.Task[str | None], str] = {}
    while waiting or running_tasks:
        for name in list_ready(graph, waiting, frozenset(done)):
            waiting.remove(name)
            task = asyncio.create_task(run_step(name))
            running_tasks[task] = name
            stack.resource_tasks.add(task)
            task.add_done_callback(stack.resource_tasks.discard)
        ended_tasks, _ = await asyncio.wait(running_tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended_tasks:
            done.add(running_tasks.pop(task))
            if failure := task.result():
                return failure
    return None


class StackOperation:
    """One operation on a stack: the state that the tasks of its resources share."""

    def __init__(
        self,
        stack: HeatStack,
        target: Template,
        resource_types: ResourceTypes,
        context: CloudContext,
        graph: DependencyGraph,
        present_resources: Mapping[str, StackResource],
    ) -> None:
        self._stack, self._target, self._resource_types, self._context = (
            stack,
            target,
            resource_types,
            context,
        )
        self._graph, self._present_resources = graph, present_resources

    async def run_step(self, key: str) -> str | None:
        """Remove the resource of an id if it has to go, or bring the resource of a name up to date."""
        if key in self._present_resources:
            return await self._remove(self._present_resources[key])
        return await self._bring_up_to_date(key)

    async def _bring_up_to_date(self, name: str) -> str | None:
        """Create, change or replace one resource as the template wants it."""
        async with self._stack.locks[name]:
            resource_dependencies = frozenset(
                self._stack.resources[needed].id for needed in self._graph[name]
            )
            new = StackResource(self._target.resources[name], dependencies=resource_dependencies)
            old = self._stack.resources.get(name)
            self._fail_abandoned(old)
            try:
                self._resolve_properties(new)
            except (TypeError, ValueError, ApiError) as error:
                existing = self._stack.resources.setdefault(name, new)
                action = CREATE if existing.action == INIT else UPDATE
                return await self._record_action(existing, action, _raise_resource_failure(error))
            return await self._apply_action(old, new)

    def _fail_abandoned(self, resource: StackResource | None) -> None:
        """Fail a resource that is in progress though we hold its lock: its engine was killed."""
        if resource is not None and resource.status == IN_PROGRESS:
            self._stack.set_resource_state(
                resource, resource.action, FAILED, f"{ABANDONED_REASON} {resource.action}"
            )

    async def _apply_action(self, old: StackResource | None, new: StackResource) -> str | None:
        resource_type = self._resource_types[new.type]
        current = (
            None if old is None or old.action == INIT or old.is_deleted else self._build_current_state(old)
        )
        action = choose_action(
            current, _build_state(new), resource_type.schema, resource_type.needs_replacement
        )
        if old is not None and isinstance(action, KeepResource):
            old.definition, old.dependencies = new.definition, new.dependencies
            if old.status == FAILED:
                self._stack.set_resource_state(old, old.action, COMPLETE, RECOVERED_REASON)
            return None
        if old is not None and isinstance(action, UpdateResource):
            old.definition, old.dependencies = new.definition, new.dependencies
            return await self._update(old, new, action)
        if old is not None and isinstance(action, ReplaceResource):
            if action.update_attempted:  # Heat begins an update before it sees that it cannot be one
                self._stack.set_resource_state(old, UPDATE, IN_PROGRESS)
                self._stack.set_resource_state(old, UPDATE, COMPLETE)
            self._stack.replaced_resources.append(old)
        self._stack.resources[new.name] = new
        return await self._record_action(
            new, CREATE, self._create(new, old if isinstance(action, ReplaceResource) else None)
        )

    async def _update(self, old: StackResource, new: StackResource, action: UpdateResource) -> str | None:
        """Change a resource in place. If that fails it keeps its old properties, so the next update retries."""
        resource_type, old_values = self._resource_types[old.type], (old.properties, old.template_metadata)
        old.properties, old.template_metadata = new.properties, new.template_metadata
        if action.metadata and resource_type.has_template_metadata:
            resource_type.update_metadata(old, new.template_metadata)
        try:
            return await self._record_action(
                old, UPDATE, resource_type.update(old, self._stack, action.properties)
            )
        finally:
            if old.status == FAILED:
                old.properties, old.template_metadata = old_values

    async def _create(self, new: StackResource, old: StackResource | None) -> None:
        if old is not None:
            await self._resource_types[old.type].prepare_for_replace(old, self._stack)
        await self._resource_types[new.type].create(new, self._stack)

    def _build_current_state(self, resource: StackResource) -> ResourceState:
        """Return the state. A resource that was marked unhealthy is replaced, whatever is behind it."""
        resource_type = self._resource_types[resource.type]
        is_failed = resource.status == FAILED and (
            resource.action == CHECK or not resource_type.can_update_failed(resource)
        )
        return _build_state(resource, is_failed)

    def _resolve_properties(self, resource: StackResource) -> None:
        """Resolve the functions in properties and metadata with the stack's present resources."""
        scope, template_format = StackScope(self._stack, self._resource_types), self._target.format
        definition, path = resource.definition, template_format.build_path(resource.name)
        resolved = {
            name: resolve_functions(value, template_format.functions, scope)
            for name, value in definition.properties.items()
        }
        schema = self._resource_types[resource.type].schema
        resource.properties = property_schema.convert_properties(
            resolved, schema, path, self._context.compute.check_constraint
        )
        resource.template_metadata = {
            name: resolve_functions(value, template_format.functions, scope)
            for name, value in definition.metadata.items()
        }
        resource.metadata = (
            dict(resource.template_metadata)
            if self._resource_types[resource.type].has_template_metadata
            else {}
        )

    async def _remove(self, resource: StackResource) -> str | None:
        """Remove a resource that has left the template or was replaced. Any other stays."""
        async with self._stack.locks[resource.name]:
            is_replaced = resource in self._stack.replaced_resources
            is_current = self._stack.resources.get(resource.name) is resource
            if resource.is_deleted or not (is_replaced or (is_current and resource.name not in self._graph)):
                return None
            self._fail_abandoned(resource)
            failure = None
            if resource.action != INIT:
                failure = await self._record_action(resource, DELETE, self._delete(resource))
            elif is_current:
                del self._stack.resources[resource.name]
            if failure is None and is_replaced:
                self._stack.replaced_resources.remove(resource)
            return failure

    async def _delete(self, resource: StackResource) -> None:
        if not resource.definition.is_retained:
            await self._resource_types[resource.type].delete(resource, self._stack)

    async def _record_action(self, resource: StackResource, action: str, work: Awaitable[None]) -> str | None:
        """Do one action on one resource and record it. Return the stack's reason if it fails."""
        self._stack.set_resource_state(resource, action, IN_PROGRESS)
        try:
            await work
        except (ResourceFailure, ApiError, GuestAgentError) as error:
            reason = f"{_get_error_type(error)}: resources.{resource.name}: {error}"
            self._stack.set_resource_state(resource, action, FAILED, reason)
            return f"Resource {action} failed: {reason}"
        except asyncio.CancelledError:
            self._stack.set_resource_state(resource, action, FAILED, f"{action} aborted")
            raise
        self._stack.set_resource_state(resource, action, COMPLETE)
        return None


def _build_state(resource: StackResource, is_failed: bool = False) -> ResourceState:
    definition = resource.definition
    other_values = (definition.depends_on, definition.is_retained)
    return ResourceState(
        resource.type, resource.properties, resource.template_metadata, other_values, is_failed
    )


async def _raise_resource_failure(error: Exception) -> None:
    raise ResourceFailure(_get_error_type(error), str(error))


def _get_error_type(error: Exception) -> str:
    return error.error_type if isinstance(error, (ApiError, ResourceFailure)) else type(error).__name__
