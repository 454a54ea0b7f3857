"""Choosing the method by which a replica gets its data. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from guestagent.byte_units import MIB
from guestagent.metadata.seed_rates import COPY_RATE, REPLAY_RATE

COPY_OVERHEAD_S = 10.0
"""Seconds of a copy that do not depend on its size: the restart, and the preparation."""


class SeedMethod(str, Enum):
    """A method. `REPLAY`: of the source's binary logs from their beginning; it needs no donor and no seed."""

    REPLAY = "replay"
    CLONE = "clone"
    BACKUP = "backup"
    DUMP = "dump"

    def __str__(self) -> str:
        return self.value


PHYSICAL_METHODS = {"mysql": SeedMethod.CLONE, "mariadb": SeedMethod.BACKUP}
COSTS = {
    SeedMethod.REPLAY: "the source sends its binary logs",
    SeedMethod.CLONE: "the source reads all its data once; DDL waits only if clone_block_ddl is on",
    SeedMethod.BACKUP: "the source reads all its data once; DDL waits for its end",
    SeedMethod.DUMP: "the source executes one long transaction, which keeps old row versions",
}
"""What a seed costs the source."""


@dataclass(frozen=True, slots=True)
class SeedFacts:
    """What the choice depends on. `has_all_logs` None, `log_bytes` and `data_bytes` None: unknown.

    `version`, `source_version`: of the two servers. `has_donor`: the document says how the donor is reached.
    `is_reseed`: the replica has data, which are given up.
    """

    family: str
    version: str
    source_version: str
    has_donor: bool
    has_all_logs: bool | None = None
    log_bytes: int | None = None
    data_bytes: int | None = None
    is_reseed: bool = False


@dataclass(frozen=True, slots=True)
class MethodChoice:
    """The method with its reasons and its cost for the source; None if no method can work."""

    method: SeedMethod | None
    reasons: tuple[str, ...]

    @property
    def cost(self) -> str:
        return "" if self.method is None else COSTS[self.method]

    def __str__(self) -> str:
        return f"{self.method or 'no method'} ({'; '.join(self.reasons)})"


def choose_method(facts: SeedFacts, wanted: str) -> MethodChoice:
    """Choose the method. `wanted` is `Seeding.Method` of the document: a method, or auto."""
    if wanted != "auto":
        return _check_wanted_method(facts, SeedMethod(wanted))
    if not facts.has_donor:
        return MethodChoice(SeedMethod.REPLAY, ("the document names no donor",))
    replay = _judge_replay(facts)
    if replay is not None:
        return replay
    if _parse_series(facts.version) == _parse_series(facts.source_version):
        method = PHYSICAL_METHODS[facts.family]
        return MethodChoice(method, (_explain_copy(facts), "both servers are of one series"))
    apart = f"{facts.version} cannot take over the files of {facts.source_version}"
    # The source has made an account for a copy of files, which cannot read tables.
    return MethodChoice(
        None, (_explain_copy(facts), apart, "set Seeding.Method to dump, here and at the source")
    )


def _check_wanted_method(facts: SeedFacts, method: SeedMethod) -> MethodChoice:
    if method is SeedMethod.REPLAY:
        return MethodChoice(method, ("the document asks for it",))
    if not facts.has_donor:
        return MethodChoice(None, (f"the document asks for {method}, and names no Seeding.Donor",))
    if method is not SeedMethod.DUMP and method is not PHYSICAL_METHODS[facts.family]:
        return MethodChoice(None, (f"the document asks for {method}, which {facts.family} does not have",))
    return MethodChoice(method, ("the document asks for it",))


def _judge_replay(facts: SeedFacts) -> MethodChoice | None:
    """Choose replay if all logs are there and replaying them takes no longer than a copy."""
    if facts.is_reseed or not facts.has_all_logs or facts.log_bytes is None or facts.data_bytes is None:
        return None
    replay_s = facts.log_bytes / REPLAY_RATE
    copy_s = COPY_OVERHEAD_S + facts.data_bytes / COPY_RATE
    if replay_s > copy_s:
        return None
    sizes = f"{_format_mib(facts.log_bytes)} of logs, {_format_mib(facts.data_bytes)} of data"
    return MethodChoice(
        SeedMethod.REPLAY,
        ("the source has all its binary logs", f"replay is not slower than a copy ({sizes})"),
    )


def _explain_copy(facts: SeedFacts) -> str:
    if facts.is_reseed:
        return "the data of this replica are replaced"
    if facts.has_all_logs is False:
        return "the source has purged binary logs"
    if facts.log_bytes is None or facts.data_bytes is None:
        return "it is not known whether replay would be fast"
    return "replay would be slower than a copy"


def _parse_series(version: str) -> tuple[str, ...]:
    """Return the first two numbers of a version: servers that share them can exchange their files."""
    return tuple(version.split("-")[0].split(".")[:2])


def _format_mib(count: int) -> str:
    return f"{count / MIB:.0f} MiB"
