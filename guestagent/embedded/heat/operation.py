"""Takes a stack from what it is to what a template says.

One asyncio task a resource under way; everything waits for events. What a resource needs comes before it. What
is to go does so as soon as nothing needs it: beside everything else, as in Heat, and not at the end. Where one
resource fails, the stack has failed at once: its siblings under way run to their own end, and start nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping

from guestagent.embedded.heat import validation
from guestagent.embedded.heat.decisions import Change, Keep, Replace, State, decide
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

ABANDONED = "Worker went down during resource"
RECOVERED = "Update status to COMPLETE for FAILED resource neither update nor replace."

Act = Callable[[str], Coroutine[None, None, str | None]]


async def converge(stack: Stack, target: Template, kinds: Kinds, around: Surroundings) -> str | None:
    """What the template holds is made or changed, the rest removed. Says what went wrong, or nothing."""
    _forget_deleted(stack)
    present = {each.id: each for each in (*stack.leaving, *stack.resources.values())}
    for name, definition in target.resources.items():
        stack.resources.setdefault(name, Resource(definition))  # INIT_COMPLETE, until its turn comes
    needs = validation.dependencies(target)
    work = _Work(stack, target, kinds, around, needs, present)
    failure = await _walk(stack, {**needs, **_removals(present, needs)}, work.step)
    if failure is None:
        _forget_deleted(stack)
    return failure


def _removals(present: Mapping[str, Resource], needs: graph.Graph) -> graph.Graph:
    """What each resource's removal waits for, if it comes to one: for its own turn in the template, where it is
    changed or replaced, and for the turn of those that needed it."""
    needed = {each.id: each.needs & present.keys() for each in present.values()}
    return {
        one: frozenset({*others, present[one].name} if present[one].name in needs else others)
        for one, others in graph.reverse(needed).items()
    }


def _forget_deleted(stack: Stack) -> None:
    """What was removed is shown until the operation is over."""
    for name, resource in list(stack.resources.items()):
        if resource.gone:
            del stack.resources[name]


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
        self,
        stack: Stack,
        target: Template,
        kinds: Kinds,
        around: Surroundings,
        needs: graph.Graph,
        present: Mapping[str, Resource],
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
            new = Resource(self.target.resources[name], needs=needed)
            old = self.stack.resources.get(name)
            self._take_over(old)
            try:
                self._resolve(new)
            except (TypeError, ValueError, Refusal) as error:
                known = self.stack.resources.setdefault(name, new)
                action = CREATE if known.action == INIT else UPDATE
                return await self._act(known, action, _refused(error))
            return await self._become(old, new)

    def _take_over(self, resource: Resource | None) -> None:
        """In progress, though its lock is ours: the engine that was at it is dead."""
        if resource is not None and resource.status == IN_PROGRESS:
            self.stack.record(resource, resource.action, FAILED, f"{ABANDONED} {resource.action}")

    async def _become(self, old: Resource | None, new: Resource) -> str | None:
        kind = self.kinds[new.type]
        seen = None if old is None or old.action == INIT or old.gone else self._seen(old)
        step = decide(seen, _state(new), kind.schema, kind.replaces)
        if old is not None and isinstance(step, Keep):
            old.definition, old.needs = new.definition, new.needs
            if old.status == FAILED:
                self.stack.record(old, old.action, COMPLETE, RECOVERED)
            return None
        if old is not None and isinstance(step, Change):
            old.definition, old.needs = new.definition, new.needs
            return await self._change(old, new, step)
        if old is not None and isinstance(step, Replace):
            if step.tried:  # Heat begins an update before it sees that it cannot be one
                self.stack.record(old, UPDATE, IN_PROGRESS)
                self.stack.record(old, UPDATE, COMPLETE)
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
        return _state(resource, broken)

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

    async def _remove(self, resource: Resource) -> str | None:
        """One resource that has left the template, or that another has replaced; any other stays."""
        async with self.stack.locks[resource.name]:
            replaced = resource in self.stack.leaving
            current = self.stack.resources.get(resource.name) is resource
            if resource.gone or not (replaced or (current and resource.name not in self.needs)):
                return None
            self._take_over(resource)
            failure = None
            if resource.action != INIT:
                failure = await self._act(resource, DELETE, self._gone(resource))
            elif current:
                del self.stack.resources[resource.name]
            if failure is None and replaced:
                self.stack.leaving.remove(resource)
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


def _state(resource: Resource, broken: bool = False) -> State:
    definition = resource.definition
    rest = (definition.depends_on, definition.retained)
    return State(resource.type, resource.properties, resource.declared, rest, broken)


async def _refused(error: Exception) -> None:
    raise ResourceFailure(_kind(error), str(error))


def _kind(error: Exception) -> str:
    return error.kind if isinstance(error, (Refusal, ResourceFailure)) else type(error).__name__
