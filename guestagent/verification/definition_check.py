"""Comparing the definitions of both servers.

They are read while both servers work. What differs then is read again at one position, because a DDL statement may
just have been on its way: on the source before and after its snapshot, on the replica while its SQL thread is stopped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

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
from guestagent.verification.written_definitions import WrittenDefinitions

ATTEMPT_LIMIT = 3
CHANGED_TOO_OFTEN = "its definition was changed on the source during each comparison"


@dataclass(frozen=True, slots=True)
class DefinitionReport:
    """What a comparison of definitions has found: the number of objects by kind, and those that are not equal."""

    counts: Mapping[str, int]
    differences: tuple[Difference, ...] = ()
    uncompared: tuple[Uncompared, ...] = ()
    unequal: frozenset[DefinedObject] = frozenset()

    @property
    def count(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class DefinitionCheck:
    """Compares the definitions of the selected objects; `source` and `replica` are sessions without a snapshot.

    The source's account sees `visible_kinds`; `written` are further definitions, which the source wrote to a file.
    """

    environment: PairEnvironment
    keeper: PairKeeper
    source: Connection
    replica: Connection
    selection: Selection
    family: str
    visible_kinds: frozenset[str]
    written: WrittenDefinitions | None = None

    @property
    def written_kinds(self) -> frozenset[str]:
        """The kinds that only the file shows."""
        return frozenset() if self.written is None else self.written.kinds - self.visible_kinds

    def run(self, schemas: tuple[str, ...]) -> DefinitionReport:
        """Compare the objects of these schemas."""
        source, replica = self._read_source(schemas), self._read_replica(schemas)
        counts = Counter(each.kind for each in {*source, *replica})
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
            differences += map(self._name_origin, build_differences(different, before, held))
            unequal -= set(stable) - set(different)
            suspects = tuple(each for each in suspects if each not in stable)
        uncompared = tuple(
            Uncompared(f"{each.kind} {each.full_name}", CHANGED_TOO_OFTEN) for each in suspects
        )
        return DefinitionReport(counts, tuple(differences), uncompared, frozenset(unequal))

    def _read_at_one_position(self, schemas: tuple[str, ...]) -> tuple[Definitions, Definitions, Definitions]:
        """Return the source's definitions before and after its snapshot, and in between the replica's."""
        held: list[Definitions] = []
        read_replica: Callable[[], None] = lambda: held.append(self._read_replica(schemas))  # noqa: E731
        before = self._read_source(schemas)
        self.keeper.adopt_pair(open_pair(self.environment, read_replica))
        return before, held[-1], self._read_source(schemas)

    def _read_source(self, schemas: tuple[str, ...]) -> Definitions:
        definitions = read_definitions(self.source, schemas, self.family, self.visible_kinds)
        written = {} if self.written is None else self.written.definitions
        for each, text in written.items():
            if each.schema in schemas and each.kind in self.written_kinds:
                definitions[each] = text
        return self._select(definitions)

    def _read_replica(self, schemas: tuple[str, ...]) -> Definitions:
        kinds = self.visible_kinds | self.written_kinds
        return self._select(read_definitions(self.replica, schemas, self.family, kinds))

    def _name_origin(self, difference: Difference) -> Difference:
        """Name the file, if the source's definition comes from one."""
        if self.written is None or difference.kind not in self.written_kinds:
            return difference
        origin = f"by the source's file of {self.written.written_at}: write it again if it was changed since"
        return replace(difference, text=f"{difference.text} ({origin})")

    def _select(self, definitions: Definitions) -> Definitions:
        return {
            each: text
            for each, text in definitions.items()
            if self.selection.includes_object(each.schema, each.name, each.table)
        }
