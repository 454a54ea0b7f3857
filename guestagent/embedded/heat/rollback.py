"""The rollback of a stack whose creation or update failed: back to the former template."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from guestagent.embedded.heat.resources.stack import COMPLETE, FAILED, IN_PROGRESS, ROLLBACK, HeatStack
from guestagent.embedded.heat.template.parser import EMPTY_TEMPLATE, Template

Converge = Callable[[HeatStack, str, Template], Awaitable[str | None]]
"""Converges a stack to a template under the name of an action. Returns the reason of a failure, or None."""


@dataclass(frozen=True, slots=True)
class RollbackTarget:
    """The template and parameters that a rollback restores."""

    template: Template = EMPTY_TEMPLATE
    parameters: Mapping[str, object] = field(default_factory=dict)
    input_parameters: Mapping[str, object] = field(default_factory=dict)


async def roll_back(stack: HeatStack, rollback_target: RollbackTarget, converge: Converge) -> None:
    """Return the stack to its former template. A stack that was being created loses its resources."""
    stack.set_state(ROLLBACK, IN_PROGRESS, "Stack ROLLBACK started")
    await cancel_resource_tasks(stack)
    if rollback_target.template.resources:
        stack.template, stack.parameters, stack.input_parameters = (
            rollback_target.template,
            rollback_target.parameters,
            rollback_target.input_parameters,
        )
    failure = await converge(stack, ROLLBACK, rollback_target.template)
    if failure is None:
        stack.set_state(ROLLBACK, COMPLETE, "Stack ROLLBACK completed successfully")
    else:
        stack.set_state(ROLLBACK, FAILED, failure)


async def cancel_resource_tasks(stack: HeatStack) -> None:
    """Cancel the tasks of all resources, and wait until they have ended."""
    tasks = list(stack.resource_tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
