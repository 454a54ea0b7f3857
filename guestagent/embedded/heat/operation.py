"""Takes a stack from what it is to what a template says.

One asyncio task a resource under way; everything waits for events. What a resource needs comes before it;
what has left the template goes last, in the reverse order. Where one resource fails, the stack has failed at
once: its siblings under way run to their own end, and start nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

from guestagent.embedded.heat import validation
from guestagent.embedded.heat.decisions import Change, Create, Keep, Replace, State, decide
from guestagent.embedded.heat.kinds import Kinds, Surroundings
from guestagent.embedded.heat.scope import StackScope
from guestagent.embedded.heat.stack import (
    COMPLETE,
    CREATE,
    DELETE,
    FAILED,
    IN_PROGRESS,
    INIT,
    UPDATE,
    Resource,
    Stack,
)
from guestagent.embedded.refusals import Refusal, ResourceFailure
from guestagent.embedded.template import graph, schema
from guestagent.embedded.template.document import Template
from guestagent.embedded.template.functions import resolve
from guestagent.errors import GuestAgentError

RECOVERED = "Update status to COMPLETE for FAILED resource neither update nor replace."

Act = Callable[[str], Coroutine[None, None, str | None]]


async def converge(stack: Stack, target: Template, kinds: Kinds, around: Surroundings) -> str | None:
    """First what the template holds, then away with the rest. Says what went wrong, or nothing."""
    for name, definition in target.resources.items():
        stack.resources.setdefault(name, Resource(definition))  # INIT_COMPLETE, until its turn comes
    work = _Work(stack, target, kinds, around, validation.dependencies(target))
    failure = await _walk(stack, work.needs, work.bring)
    if failure is not None:
        return failure
    leaving = [*stack.leaving, *(r for name, r in stack.resources.items() if name not in target.resources)]
    work.leaving = {resource.id: resource for resource in leaving}
    return await _walk(stack, graph.reverse(_needs_among(leaving)), work.remove)


async def _walk(stack: Stack, needs: graph.Graph, act: Act) -> str | None:
    """Do `act` for everything, each as soon as what it needs is done. Ends with the first failure."""
    waiting, done = list(needs), set[str]()
    under_way: dict[asyncio.Task[str | None], str] = {}
    while waiting or under_way:
        for name in graph.ready(needs, waiting, frozenset(done)):
            waiting.remove(name)
            task = asyncio.create_task(act(name))
            under_way[task] = name
            stack.running.add(task)
            task.add_done_callback(stack.running.discard)
        ended, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            done.add(under_way.pop(task))
            if failure := task.result():
                return failure
    return None


class _Work:
    """What every resource's task of one operation shares."""

    def __init__(
        self, stack: Stack, target: Template, kinds: Kinds, around: Surroundings, needs: graph.Graph
    ) -> None:
        self.stack, self.target, self.kinds, self.around, self.needs = stack, target, kinds, around, needs
        self.leaving: dict[str, Resource] = {}

    async def bring(self, name: str) -> str | None:
        """One resource to what the template says of it."""
        async with self.stack.locks[name]:
            new = Resource(self.target.resources[name], needs=self.needs[name])
            old = self.stack.resources.get(name)
            try:
                self._resolve(new)
            except (TypeError, ValueError, Refusal) as error:
                known = self.stack.resources.setdefault(name, new)
                action = CREATE if known.action == INIT else UPDATE
                return await self._act(known, action, _refused(error))
            return await self._step(old, new)

    async def _step(self, old: Resource | None, new: Resource) -> str | None:
        kind = self.kinds[new.type]
        seen = None if old is None or old.action == INIT else self._seen(old)
        step = decide(seen, State(new.type, new.properties, new.declared), kind.schema, kind.replaces)
        if old is not None and isinstance(step, Keep):
            old.definition, old.needs = new.definition, new.needs
            if old.status == FAILED:
                self.stack.record(old, old.action, COMPLETE, RECOVERED)
            return None
        if old is not None and isinstance(step, Change):
            old.definition, old.needs = new.definition, new.needs
            return await self._change(old, new, step)
        if old is not None and not isinstance(step, Create):
            self.stack.leaving.append(old)
        self.stack.resources[new.name] = new
        return await self._act(new, CREATE, self._made(new, old if isinstance(step, Replace) else None))

    async def _change(self, old: Resource, new: Resource, step: Change) -> str | None:
        """In place. What fails keeps its old properties, so that the next update tries the same again."""
        kind, before = self.kinds[old.type], (old.properties, old.declared)
        old.properties, old.declared = new.properties, new.declared
        if step.metadata and kind.serves_metadata:
            kind.serve(old, new.declared)
        try:
            return await self._act(old, UPDATE, kind.update(old, self.stack, step.properties))
        finally:
            if old.status == FAILED:
                old.properties, old.declared = before

    async def _made(self, new: Resource, old: Resource | None) -> None:
        if old is not None:
            await self.kinds[old.type].make_way(old, self.stack)
        await self.kinds[new.type].create(new, self.stack)

    def _seen(self, resource: Resource) -> State:
        broken = resource.status == FAILED and not self.kinds[resource.type].survives(resource)
        return State(resource.type, resource.properties, resource.declared, broken)

    def _resolve(self, resource: Resource) -> None:
        """Properties and metadata, with their functions replaced by what the stack has become so far."""
        scope, dialect = StackScope(self.stack, self.kinds), self.target.dialect
        definition, path = resource.definition, dialect.path(resource.name)
        given = {n: resolve(value, dialect.functions, scope) for n, value in definition.properties.items()}
        wanted = self.kinds[resource.type].schema
        resource.properties = schema.read(given, wanted, path, self.around.servers.exists)
        resource.declared = {
            n: resolve(value, dialect.functions, scope) for n, value in definition.metadata.items()
        }
        resource.metadata = dict(resource.declared) if self.kinds[resource.type].serves_metadata else {}

    async def remove(self, resource_id: str) -> str | None:
        """One resource that has left the template, or that another has replaced."""
        resource = self.leaving[resource_id]
        async with self.stack.locks[resource.name]:
            failure = None
            if resource.action != INIT:
                failure = await self._act(resource, DELETE, self._gone(resource))
            if failure is None:
                if resource in self.stack.leaving:
                    self.stack.leaving.remove(resource)
                else:
                    del self.stack.resources[resource.name]
            return failure

    async def _gone(self, resource: Resource) -> None:
        if not resource.definition.retained:
            await self.kinds[resource.type].delete(resource, self.stack)

    async def _act(self, resource: Resource, action: str, doing: Awaitable[None]) -> str | None:
        """One action on one resource, recorded. Returns the stack's reason where it fails."""
        self.stack.record(resource, action, IN_PROGRESS)
        try:
            await doing
        except (ResourceFailure, Refusal, GuestAgentError) as error:
            reason = f"{_kind(error)}: resources.{resource.name}: {error}"
            self.stack.record(resource, action, FAILED, reason)
            return f"Resource {action} failed: {reason}"
        except asyncio.CancelledError:
            self.stack.record(resource, action, FAILED, f"{action} aborted")
            raise
        self.stack.record(resource, action, COMPLETE)
        return None


def _needs_among(leaving: list[Resource]) -> graph.Graph:
    return {
        resource.id: frozenset(
            other.id for other in leaving if other.name in resource.needs and other is not resource
        )
        for resource in leaving
    }


async def _refused(error: Exception) -> None:
    raise ResourceFailure(_kind(error), str(error))


def _kind(error: Exception) -> str:
    return error.kind if isinstance(error, (Refusal, ResourceFailure)) else type(error).__name__
