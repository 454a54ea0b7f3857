"""The fake Heat's engine: stacks, and the operations on them. One asyncio task a stack operation."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from guestagent.embedded.heat import validation
from guestagent.embedded.heat.kinds import Kind, Kinds, Surroundings, kinds
from guestagent.embedded.heat.operation import converge
from guestagent.embedded.heat.scope import StackScope
from guestagent.embedded.heat.stack import (
    COMPLETE,
    CREATE,
    DELETE,
    FAILED,
    IN_PROGRESS,
    INIT,
    ROLLBACK,
    UPDATE,
    Resource,
    Stack,
    now,
)
from guestagent.embedded.refusals import (
    EntityNotFound,
    NotSupported,
    StackExists,
)
from guestagent.embedded.template import parameters
from guestagent.embedded.template.document import EMPTY, Template

log = logging.getLogger(__name__)

DEFAULT_TIMEOUT_MINS = 60
DELETION_TAKES = 0.2  # seconds: a real Heat's stack is never gone at once, and keeps its name for as long


@dataclass(frozen=True, slots=True)
class Wish:
    """What a create or update request asks for."""

    template: Template
    given: Mapping[str, object]
    timeout_mins: float | None = None
    disable_rollback: bool | None = None
    tags: tuple[str, ...] = ()

    def with_parameters(self, given: Mapping[str, object]) -> Wish:
        return replace(self, given=given)


@dataclass(frozen=True, slots=True)
class Past:
    """What a rollback goes back to."""

    template: Template = EMPTY
    parameters: Mapping[str, object] = field(default_factory=dict)
    given: Mapping[str, object] = field(default_factory=dict)


class Engine:
    """Every stack of the cloud. Its methods return at once; the work goes on in tasks of the running loop."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.kinds: Kinds = kinds(around)
        self.stacks: dict[str, Stack] = {}

    def create(self, name: str, project: str, wish: Wish) -> Stack:
        """Begin a new stack; a Refusal where Heat would refuse it."""
        if any(stack.name == name for stack in self.living()):
            raise StackExists(f"The Stack ({name}) already exists.")
        stack = Stack(
            name=name,
            project=project,
            template=wish.template,
            parameters=self._checked(wish),
            given=wish.given,
            timeout_mins=wish.timeout_mins,
            disable_rollback=wish.disable_rollback is not False,
            tags=wish.tags,
        )
        self.stacks[stack.id] = stack
        self._start(stack, CREATE, wish.template, Past())
        return stack

    def update(self, stack: Stack, wish: Wish) -> None:
        """Begin an update. One under way is left where it is; its resources end what they have begun."""
        if stack.action == DELETE:
            raise NotSupported("Updating a stack when it is deleting is not supported.")
        values = self._checked(wish)
        parameters.refuse_changes(wish.template.parameters, stack.parameters, values)
        before = Past(stack.template, stack.parameters, stack.given)
        stack.template, stack.parameters, stack.given = wish.template, values, wish.given
        if wish.disable_rollback is not None:
            stack.disable_rollback = wish.disable_rollback
        stack.updated = now()
        stack.timeout_mins = stack.timeout_mins if wish.timeout_mins is None else wish.timeout_mins
        stack.tags = wish.tags
        self._start(stack, UPDATE, wish.template, before)

    def delete(self, stack: Stack) -> None:
        """Begin to delete; whatever is under way is stopped."""
        if stack.deleted is None and stack.state != f"{DELETE}_{IN_PROGRESS}":
            for task in stack.running:
                task.cancel()
            self._start(stack, DELETE, EMPTY, Past())

    def check(self, wish: Wish) -> None:
        """A Refusal where a stack of this template would be refused, whatever the parameters without a value are."""
        template = wish.template
        told = {
            name: each
            for name, each in template.parameters.items()
            if each.default is not None or name in wish.given
        }
        values = parameters.values(told, wish.given)
        validation.check(template, self.kinds, values, self.around.servers.exists)

    def living(self) -> tuple[Stack, ...]:
        return tuple(stack for stack in self.stacks.values() if stack.deleted is None)

    def find(self, name_or_id: str) -> Stack:
        """A living stack by name, or any stack by id."""
        for stack in self.living():
            if name_or_id in (stack.name, stack.id):
                return stack
        if name_or_id in self.stacks:
            return self.stacks[name_or_id]
        raise EntityNotFound(f"The Stack ({name_or_id}) could not be found.")

    def kind(self, resource: Resource) -> Kind:
        return self.kinds[resource.type]

    def signal(self, stack: Stack, resource: Resource, body: object) -> None:
        """Hand a signal to a resource; ValueError where it is not one that its type takes."""
        stack.signalled(resource, self.kind(resource).signal(resource, body))
        for other in stack.resources.values():
            if other is not resource and other.action != INIT:
                self.kind(other).refresh(other)

    def scope(self, stack: Stack) -> StackScope:
        return StackScope(stack, self.kinds)

    async def stop(self) -> None:
        """Cancel everything under way."""
        stacks = self.stacks.values()
        tasks = [task for stack in stacks for task in (stack.operation, *stack.running) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def die(self) -> None:
        """As if it were killed and started again: what was under way stays so for good, and nobody watches it."""
        for stack in self.living():
            stack.orphaned = True
        await self.stop()
        for stack in self.living():
            stack.orphaned = False

    def _checked(self, wish: Wish) -> dict[str, object]:
        values = parameters.values(wish.template.parameters, wish.given)
        validation.check(wish.template, self.kinds, values, self.around.servers.exists)
        return values

    def _start(self, stack: Stack, action: str, target: Template, before: Past) -> None:
        if stack.operation is not None:
            stack.operation.cancel()
        stack.enter(action, IN_PROGRESS, f"Stack {action} started")
        stack.operation = asyncio.create_task(self._operate(stack, action, target, before))
        stack.operation.add_done_callback(lambda task: _own_up(stack, task))

    async def _operate(self, stack: Stack, action: str, target: Template, before: Past) -> None:
        """One operation to its end, and the rollback after it where one is asked for."""
        failure = await self._in_time(stack, action, target)
        if failure is None:
            stack.enter(action, COMPLETE, f"Stack {action} completed successfully")
            if action == DELETE:
                stack.deleted = now()
            return
        stack.enter(action, FAILED, failure)
        if action in (CREATE, UPDATE) and not stack.disable_rollback:
            await self._roll_back(stack, before)

    async def _roll_back(self, stack: Stack, before: Past) -> None:
        stack.enter(ROLLBACK, IN_PROGRESS, "Stack ROLLBACK started")
        await _cancelled(stack)
        if before.template.resources:
            stack.template, stack.parameters, stack.given = before.template, before.parameters, before.given
        failure = await self._in_time(stack, ROLLBACK, before.template)
        if failure is None:
            stack.enter(ROLLBACK, COMPLETE, "Stack ROLLBACK completed successfully")
        else:
            stack.enter(ROLLBACK, FAILED, failure)

    async def _in_time(self, stack: Stack, action: str, target: Template) -> str | None:
        """What went wrong, or nothing."""
        if action == DELETE:
            await _cancelled(stack)
            await asyncio.sleep(DELETION_TAKES)
        seconds = 60.0 * (stack.timeout_mins or DEFAULT_TIMEOUT_MINS)
        try:
            return await asyncio.wait_for(converge(stack, target, self.kinds, self.around), seconds)
        except asyncio.TimeoutError:
            await _cancelled(stack)
            return "Timed out"


async def _cancelled(stack: Stack) -> None:
    """Stop every resource that is under way, and wait until it has."""
    tasks = list(stack.running)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _own_up(stack: Stack, task: asyncio.Task[None]) -> None:
    """An operation that ended with an exception of ours must not leave the stack in progress for ever."""
    if not task.cancelled() and (bug := task.exception()):
        log.error("stack %s: a bug of the embedded cloud", stack.name, exc_info=bug)
        stack.enter(stack.action, FAILED, f"a bug of the embedded cloud: {type(bug).__name__}")
