"""The dependencies between resources. A template whose dependencies have no order is rejected, as by Heat. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from guestagent.embedded.heat.errors import CircularDependencyException

DependencyGraph = Mapping[str, frozenset[str]]  # each resource with those that it needs


def check_acyclic(graph: DependencyGraph) -> None:
    """Raise CircularDependencyException if some resources need each other."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle = error.args[1]
        cycle_text = ", ".join(f"{needs}: [{needed}]" for needed, needs in pairwise(cycle))
        raise CircularDependencyException(f"Circular Dependency Found: {{{cycle_text}}}") from error


def reverse_dependencies(graph: DependencyGraph) -> DependencyGraph:
    """Map each resource to those that need it: the order in which to delete."""
    needed_by: dict[str, set[str]] = {name: set() for name in graph}
    for name, needs in graph.items():
        for needed in needs:
            needed_by.setdefault(needed, set()).add(name)
    return {name: frozenset(names) for name, names in needed_by.items()}


def list_ready(graph: DependencyGraph, waiting: Iterable[str], done: frozenset[str]) -> tuple[str, ...]:
    """Return those of `waiting` that need nothing outside `done`, in their order."""
    return tuple(name for name in waiting if graph[name] <= done)
