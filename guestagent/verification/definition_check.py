"""Comparing the definitions of both servers.

They are read while both servers work. What differs then is read again at one position, because a DDL statement may
just have been on its way: on the source before and after its snapshot, on the replica while its SQL thread is stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from guestagent.database.connection import Connection
from guestagent.verification.definition import (
    DefinedObject,
    Definitions,
    build_differences,
    find_suspects,
)
from guestagent.verification.definition_reader import read_definitions
from guestagent.verification.pair_keeper import PairKeeper
from guestagent.verification.result import Difference, Uncompared
from guestagent.verification.selection import Selection
from guestagent.verification.snapshot_pair import PairEnvironment, open_pair

ATTEMPT_LIMIT = 3
CHANGED_TOO_OFTEN = "its definition was changed on the source during each comparison"


@dataclass(frozen=True, slots=True)
class DefinitionReport:
    """What a comparison of definitions has found. `unequal` are the objects without equal definitions."""

    count: int
    differences: tuple[Difference, ...] = ()
    uncompared: tuple[Uncompared, ...] = ()
    unequal: frozenset[DefinedObject] = frozenset()


@dataclass(frozen=True, slots=True)
class DefinitionCheck:
    """Compares the definitions of the selected objects; `source` and `replica` are sessions without a snapshot."""

    environment: PairEnvironment
    keeper: PairKeeper
    source: Connection
    replica: Connection
    selection: Selection
    hidden_kinds: frozenset[str]

    def run(self, schemas: tuple[str, ...]) -> DefinitionReport:
        """Compare the objects of these schemas."""
        source, replica = self._read(self.source, schemas), self._read(self.replica, schemas)
        count = len({*source, *replica})
        suspects = find_suspects(source, replica)
        differences: list[Difference] = []
        unequal = set(suspects)
        for _ in range(ATTEMPT_LIMIT):
            if not suspects:
                break
            before, held, after = self._read_at_one_position(
                tuple(sorted({each.schema for each in suspects}))
            )
            stable = [each for each in suspects if before.get(each) == after.get(each)]
            different = [each for each in stable if before.get(each) != held.get(each)]
            differences += build_differences(different, before, held)
            unequal -= set(stable) - set(different)
            suspects = tuple(each for each in suspects if each not in stable)
        uncompared = tuple(
            Uncompared(f"{each.kind} {each.full_name}", CHANGED_TOO_OFTEN) for each in suspects
        )
        return DefinitionReport(count, tuple(differences), uncompared, frozenset(unequal))

    def _read_at_one_position(self, schemas: tuple[str, ...]) -> tuple[Definitions, Definitions, Definitions]:
        """Return the source's definitions before and after its snapshot, and in between the replica's."""
        held: list[Definitions] = []
        read_replica: Callable[[], None] = lambda: held.append(self._read(self.replica, schemas))  # noqa: E731
        before = self._read(self.source, schemas)
        self.keeper.adopt_pair(open_pair(self.environment, read_replica))
        return before, held[-1], self._read(self.source, schemas)

    def _read(self, connection: Connection, schemas: tuple[str, ...]) -> Definitions:
        definitions = read_definitions(connection, schemas, self.hidden_kinds)
        return {
            each: text
            for each, text in definitions.items()
            if self.selection.includes_object(each.schema, each.name, each.table)
        }
