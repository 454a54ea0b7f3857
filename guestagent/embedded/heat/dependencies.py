"""Who waits for whom. An order exists or the template is refused, as Heat does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from guestagent.embedded.heat.errors import CircularDependencyException

DependencyGraph = Mapping[str, frozenset[str]]  # a resource and those that it needs


def check_acyclic(graph: DependencyGraph) -> None:
    """CircularDependencyException where some resources need each other."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        ring = error.args[1]
        shown = ", ".join(f"{needs}: [{needed}]" for needed, needs in pairwise(ring))
        raise CircularDependencyException(f"Circular Dependency Found: {{{shown}}}") from error


def reverse_dependencies(graph: DependencyGraph) -> DependencyGraph:
    """The same arrows turned round: a resource and those that need it. The order in which to delete."""
    needed_by: dict[str, set[str]] = {name: set() for name in graph}
    for name, needs in graph.items():
        for needed in needs:
            needed_by.setdefault(needed, set()).add(name)
    return {name: frozenset(names) for name, names in needed_by.items()}


def list_ready(graph: DependencyGraph, waiting: Iterable[str], done: frozenset[str]) -> tuple[str, ...]:
    """Those of `waiting` that need nothing outside `done`, in the order given."""
    return tuple(name for name in waiting if graph[name] <= done)
