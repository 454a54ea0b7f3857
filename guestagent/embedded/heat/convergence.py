"""Takes a stack from what it is to what a template says.

One asyncio task a resource under way; everything waits for events. What a resource needs comes before it. What
is to go does so as soon as nothing needs it: beside everything else, as in Heat, and not at the end. Where one
resource fails, the stack has failed at once: its siblings under way run to their own end, and start nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping

from guestagent.embedded.heat import dependencies, validation
from guestagent.embedded.heat.resources.resource_type import CloudContext, ResourceTypes
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
from guestagent.embedded.http.errors import ApiError, ResourceFailure
from guestagent.errors import GuestAgentError

ABANDONED_REASON = "Worker went down during resource"
RECOVERED_REASON = "Update status to COMPLETE for FAILED resource neither update nor replace."

ResourceStep = Callable[[str], Coroutine[None, None, str | None]]


async def converge_stack(
    stack: HeatStack, target: Template, kinds: ResourceTypes, around: CloudContext
) -> str | None:
    """What the template holds is made or changed, the rest removed. Says what went wrong, or nothing."""
    _forget_deleted(stack)
    present = {each.id: each for each in (*stack.replaced_resources, *stack.resources.values())}
    for name, definition in target.resources.items():
        stack.resources.setdefault(name, StackResource(definition))  # INIT_COMPLETE, until its turn comes
    needs = validation.build_dependencies(target)
    work = _Work(stack, target, kinds, around, needs, present)
    failure = await _walk(stack, {**needs, **_removals(present, needs)}, work.step)
    if failure is None:
        _forget_deleted(stack)
    return failure


def _removals(
    present: Mapping[str, StackResource], needs: dependencies.DependencyGraph
) -> dependencies.DependencyGraph:
    """What each resource's removal waits for, if it comes to one: for its own turn in the template, where it is
    changed or replaced, and for the turn of those that needed it."""
    needed = {each.id: each.dependencies & present.keys() for each in present.values()}
    return {
        one: frozenset({*others, present[one].name} if present[one].name in needs else others)
        for one, others in dependencies.reverse_dependencies(needed).items()
    }


def _forget_deleted(stack: HeatStack) -> None:
    """What was removed is shown until the operation is over."""
    for name, resource in list(stack.resources.items()):
        if resource.is_deleted:
            del stack.resources[name]


async def _walk(stack: HeatStack, needs: dependencies.DependencyGraph, act: ResourceStep) -> str | None:
    """Do `act` for everything, each as soon as what it needs is done. Ends with the first failure."""
    waiting, done = list(needs), set[str]()
    under_way: dict[asyncio.Task[str | None], str] = {}
    while waiting or under_way:
        for name in dependencies.list_ready(needs, waiting, frozenset(done)):
            waiting.remove(name)
            task = asyncio.create_task(act(name))
            under_way[task] = name
            stack.resource_tasks.add(task)
            task.add_done_callback(stack.resource_tasks.discard)
        ended, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            done.add(under_way.pop(task))
            if failure := task.result():
                return failure
    return None


class _Work:
    """What every resource's task of one operation shares."""

    def __init__(
        self,
        stack: HeatStack,
        target: Template,
        kinds: ResourceTypes,
        around: CloudContext,
        needs: dependencies.DependencyGraph,
        present: Mapping[str, StackResource],
    ) -> None:
        self.stack, self.target, self.kinds, self.around = stack, target, kinds, around
        self.needs, self.present = needs, present

    async def step(self, key: str) -> str | None:
        """The id is of one that may have to go, the name of one that the template holds."""
        return await (self._remove(self.present[key]) if key in self.present else self._bring(key))

    async def _bring(self, name: str) -> str | None:
        """One resource to what the template says of it."""
        async with self.stack.locks[name]:
            needed = frozenset(self.stack.resources[each].id for each in self.needs[name])
            new = StackResource(self.target.resources[name], dependencies=needed)
            old = self.stack.resources.get(name)
            self._take_over(old)
            try:
                self._resolve(new)
            except (TypeError, ValueError, ApiError) as error:
                known = self.stack.resources.setdefault(name, new)
                action = CREATE if known.action == INIT else UPDATE
                return await self._act(known, action, _refused(error))
            return await self._become(old, new)

    def _take_over(self, resource: StackResource | None) -> None:
        """In progress, though its lock is ours: the engine that was at it is dead."""
        if resource is not None and resource.status == IN_PROGRESS:
            self.stack.set_resource_state(
                resource, resource.action, FAILED, f"{ABANDONED_REASON} {resource.action}"
            )

    async def _become(self, old: StackResource | None, new: StackResource) -> str | None:
        kind = self.kinds[new.type]
        seen = None if old is None or old.action == INIT or old.is_deleted else self._seen(old)
        step = choose_action(seen, _state(new), kind.schema, kind.needs_replacement)
        if old is not None and isinstance(step, KeepResource):
            old.definition, old.dependencies = new.definition, new.dependencies
            if old.status == FAILED:
                self.stack.set_resource_state(old, old.action, COMPLETE, RECOVERED_REASON)
            return None
        if old is not None and isinstance(step, UpdateResource):
            old.definition, old.dependencies = new.definition, new.dependencies
            return await self._change(old, new, step)
        if old is not None and isinstance(step, ReplaceResource):
            if step.update_attempted:  # Heat begins an update before it sees that it cannot be one
                self.stack.set_resource_state(old, UPDATE, IN_PROGRESS)
                self.stack.set_resource_state(old, UPDATE, COMPLETE)
            self.stack.replaced_resources.append(old)
        self.stack.resources[new.name] = new
        return await self._act(
            new, CREATE, self._made(new, old if isinstance(step, ReplaceResource) else None)
        )

    async def _change(self, old: StackResource, new: StackResource, step: UpdateResource) -> str | None:
        """In place. What fails keeps its old properties, so that the next update tries the same again."""
        kind, before = self.kinds[old.type], (old.properties, old.template_metadata)
        old.properties, old.template_metadata = new.properties, new.template_metadata
        if step.metadata and kind.has_template_metadata:
            kind.update_metadata(old, new.template_metadata)
        try:
            return await self._act(old, UPDATE, kind.update(old, self.stack, step.properties))
        finally:
            if old.status == FAILED:
                old.properties, old.template_metadata = before

    async def _made(self, new: StackResource, old: StackResource | None) -> None:
        if old is not None:
            await self.kinds[old.type].prepare_for_replace(old, self.stack)
        await self.kinds[new.type].create(new, self.stack)

    def _seen(self, resource: StackResource) -> ResourceState:
        broken = resource.status == FAILED and not self.kinds[resource.type].can_update_failed(resource)
        return _state(resource, broken)

    def _resolve(self, resource: StackResource) -> None:
        """Properties and metadata, with their functions replaced by what the stack has become so far."""
        scope, dialect = StackScope(self.stack, self.kinds), self.target.format
        definition, path = resource.definition, dialect.build_path(resource.name)
        given = {
            n: resolve_functions(value, dialect.functions, scope)
            for n, value in definition.properties.items()
        }
        wanted = self.kinds[resource.type].schema
        resource.properties = property_schema.convert_properties(
            given, wanted, path, self.around.compute.check_constraint
        )
        resource.template_metadata = {
            n: resolve_functions(value, dialect.functions, scope) for n, value in definition.metadata.items()
        }
        resource.metadata = (
            dict(resource.template_metadata) if self.kinds[resource.type].has_template_metadata else {}
        )

    async def _remove(self, resource: StackResource) -> str | None:
        """One resource that has left the template, or that another has replaced; any other stays."""
        async with self.stack.locks[resource.name]:
            replaced = resource in self.stack.replaced_resources
            current = self.stack.resources.get(resource.name) is resource
            if resource.is_deleted or not (replaced or (current and resource.name not in self.needs)):
                return None
            self._take_over(resource)
            failure = None
            if resource.action != INIT:
                failure = await self._act(resource, DELETE, self._gone(resource))
            elif current:
                del self.stack.resources[resource.name]
            if failure is None and replaced:
                self.stack.replaced_resources.remove(resource)
            return failure

    async def _gone(self, resource: StackResource) -> None:
        if not resource.definition.is_retained:
            await self.kinds[resource.type].delete(resource, self.stack)

    async def _act(self, resource: StackResource, action: str, doing: Awaitable[None]) -> str | None:
        """One action on one resource, recorded. Returns the stack's reason where it fails."""
        self.stack.set_resource_state(resource, action, IN_PROGRESS)
        try:
            await doing
        except (ResourceFailure, ApiError, GuestAgentError) as error:
            reason = f"{_kind(error)}: resources.{resource.name}: {error}"
            self.stack.set_resource_state(resource, action, FAILED, reason)
            return f"Resource {action} failed: {reason}"
        except asyncio.CancelledError:
            self.stack.set_resource_state(resource, action, FAILED, f"{action} aborted")
            raise
        self.stack.set_resource_state(resource, action, COMPLETE)
        return None


def _state(resource: StackResource, broken: bool = False) -> ResourceState:
    definition = resource.definition
    rest = (definition.depends_on, definition.is_retained)
    return ResourceState(resource.type, resource.properties, resource.template_metadata, rest, broken)


async def _refused(error: Exception) -> None:
    raise ResourceFailure(_kind(error), str(error))


def _kind(error: Exception) -> str:
    return error.error_type if isinstance(error, (ApiError, ResourceFailure)) else type(error).__name__
