"""Golden answers of `verify`, and the file of its result."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from guestagent.agent.timestamp import Timestamp
from guestagent.verification import (
    Difference,
    KindCoverage,
    Uncompared,
    VerificationResult,
    read_result,
    write_result,
)
from guestagent.verification.definition import DefinedObject
from guestagent.verification.written_definitions import WrittenDefinitions
from tests.unit.golden.golden_file import golden, to_json
from tests.unit.golden.node_commands import add_error
from tests.unit.golden.stored_file import StoredFile

FULL_RESULT = VerificationResult(
    source="10.0.0.7:3306",
    seconds=12.5,
    definition_count=7,
    table_count=2,
    row_count=200005,
    byte_count=9000000,
    snapshot_count=2,
    longest_hold_s=0.012,
    first_position="0-71-5",
    last_position="0-71-9",
    selection="d",
    differences=(
        Difference("table", "d.gone", "missing on the replica"),
        Difference("rows", "d.t", "id=5: 1 on the source, 0 on the replica", "id=5", "id=5", 1, 0),
    ),
    uncompared=(
        Uncompared("d.old", "MyISAM has no snapshots"),
        Uncompared("triggers", "the account lacks TRIGGER", is_expected=True),
    ),
    coverage=(
        KindCoverage("table", True, 3),
        KindCoverage("trigger", False, None, "the account lacks TRIGGER"),
    ),
)
WRITTEN = WrittenDefinitions(
    family="MariaDB",
    server="server 71 at db0:3306",
    position="0-71-5",
    written_at="2020-11-23T18:00:30+00:00",
    kinds=frozenset({"trigger"}),
    definitions={DefinedObject("d", "trigger", "tr", "t"): "name: tr"},
)
EQUAL_RESULT = VerificationResult(source="10.0.0.7:3306", seconds=0.5)
FINISHED = Timestamp("2020-11-23T18:00:30+00:00", "a boot", 4711.5)


def build_stored_result(value: VerificationResult) -> StoredFile:
    return StoredFile(
        "verification.json",
        lambda state: write_result(state, value, FINISHED.as_json()),
        lambda state: (read_result(state) or (None,))[0],
        value,
    )


def list_verification_files() -> Iterator[tuple[str, StoredFile]]:
    yield "verification/full.json", build_stored_result(FULL_RESULT)
    yield "verification/equal.json", build_stored_result(EQUAL_RESULT)


@golden("files/verification/definitions.json")
def build_definition_file(folder: Path) -> str:
    return WRITTEN.format()


@golden("answers/verify/different.json")
def build_answer(folder: Path) -> str:
    return to_json({"exit_code": 11, "answer": FULL_RESULT.as_json()})


add_error("verify/error-table", "verify", "--table", "d")
