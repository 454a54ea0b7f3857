"""Finds a stack by its name, and reads the cluster from its template, which is the state of record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from guestagent.controller.cluster import Cluster
from guestagent.controller.evidence import read_evidence
from guestagent.controller.heat_api import Heat, Stack
from guestagent.controller.heat_requests import RequestRunner
from guestagent.controller.seed import SourceSize
from guestagent.controller.seed_preparation import read_source_size
from guestagent.controller.template import parse
from guestagent.errors import CloudRefused, InvalidTemplate


def find_stack(heat: Heat, name: str) -> Stack | None:
    """Return the stack of exactly this name, or None."""
    return next((stack for stack in heat.stacks(name) if stack.name == name), None)


@contextmanager
def name_stack(stack: Stack) -> Iterator[None]:
    """Within the block, name the stack in the problems of its template."""
    try:
        yield
    except InvalidTemplate as error:
        where = f"the template of stack {stack.name}"
        raise InvalidTemplate(error.problems, where) from error


class StackReader:
    """Reads stacks, and repeats requests that Heat does not answer."""

    def __init__(self, heat: Heat, requests: RequestRunner) -> None:
        self._heat, self._requests = heat, requests

    def find_stack(self, name: str) -> Stack | None:
        return self._requests.run(lambda: find_stack(self._heat, name))

    def get_stack(self, name: str) -> Stack:
        """Return the stack. Raise CloudRefused if there is none."""
        stack = self.find_stack(name)
        if stack is None:
            raise CloudRefused(f"there is no stack {name or repr(name)}")
        return stack

    def get_idle_stack(self, name: str) -> Stack:
        """Return the stack. Raise CloudRefused if there is none, or if Heat is working on it."""
        stack = self.get_stack(name)
        if stack.in_progress:
            raise CloudRefused(f"stack {name} is {stack.status}: it takes the next change when that is over")
        return stack

    def read_cluster(self, stack: Stack) -> Cluster:
        """Read the cluster of a stack. Raise InvalidTemplate if its template is not a cluster's."""
        template = self._requests.run(lambda: self._heat.template(stack))
        with name_stack(stack):
            return parse(template)

    def read_source_size(self, stack: Stack, cluster: Cluster) -> SourceSize:
        """Read the size of the source's data from the signal of its present generation. For an idle stack only."""
        resources = self._requests.run(lambda: self._heat.detailed(stack))
        condition = next((each for each in resources if each.name == cluster.own_source.condition), None)
        return (
            SourceSize(is_measured=True) if condition is None else read_source_size(read_evidence(condition))
        )
