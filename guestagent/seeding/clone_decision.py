"""What a start of the worker does with what it finds of an earlier CLONE. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from guestagent.database.error_diagnosis import FailureKind
from guestagent.database.mysql.clone_diagnosis import diagnose_clone_error
from guestagent.database.mysql.clone_state import COMPLETED, THIS_INSTANCE, CloneStatus
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.state import ServerError
from guestagent.errors import SeedError

SHOWN_SCHEMAS_LIMIT = 5
ER_QUERY_INTERRUPTED = 1317
CUT_REASON = "the copy was cut: the server was ended, or its CLONE was"
RESEED_ADVICE = "nothing was touched; if the data here are not needed, reseed the node (Seeding.Reseed)"


class CloneAction(Enum):
    """START: a CLONE from its beginning. RESTART: that, after the one that is going on has been ended.

    FOLLOW: the one that is going on. ACCEPT: the copy is complete.
    """

    START = "start"
    RESTART = "restart"
    FOLLOW = "follow"
    ACCEPT = "accept"

    @property
    def resumption(self) -> str:
        """How a start of the worker goes on with a seed that was cut."""
        return RESUMPTIONS[self]


RESUMPTIONS = {
    CloneAction.START: "the copy begins anew",
    CloneAction.RESTART: "the server's CLONE is ended, and the copy begins anew",
    CloneAction.FOLLOW: "the server's CLONE goes on, and is followed",
    CloneAction.ACCEPT: "the copy is complete",
}


@dataclass(frozen=True, slots=True)
class CloneTarget:
    """Where a copy goes: to a new directory, or in place of the server's own data if that is "".

    `source` is the donor as the server's status names it.
    """

    source: str
    directory: str = ""

    @property
    def destination(self) -> str:
        """The destination as the server's status names it."""
        return f"{self.directory}/" if self.directory else THIS_INSTANCE


@dataclass(frozen=True, slots=True)
class RecipientFacts:
    """The local server. `status` is of its newest CLONE."""

    status: CloneStatus | None = None
    schemas: tuple[str, ...] = ()
    history: MysqlHistory = field(default_factory=MysqlHistory)

    @property
    def process_id(self) -> int:
        """The session of the newest CLONE, 0 if none is known."""
        return 0 if self.status is None else self.status.process_id

    @property
    def is_empty(self) -> bool:
        return not self.schemas and self.history.is_empty

    @property
    def is_copy(self) -> bool:
        """Whether the server has what its newest CLONE in place has brought, and nothing else."""
        status = self.status
        return (
            status is not None
            and (status.state, status.destination) == (COMPLETED, THIS_INSTANCE)
            and self.history == status.history
        )


def decide_clone(
    target: CloneTarget, facts: RecipientFacts, previous_begin: str | None, *, is_marked: bool
) -> CloneAction:
    """Decide what to do.

    `previous_begin` is the begin time of the CLONE before this seed's, as the seed's memo has it; None if this seed has
    started none. `is_marked`: the data directory has this seed's marker, which a copy in place needs.
    """
    status = facts.status
    if status is None or status.destination != target.destination or not (target.directory or is_marked):
        return CloneAction.START
    is_known = previous_begin not in (None, status.begin_time)
    if status.is_running:
        is_followed = is_known and status.source == target.source
        return CloneAction.FOLLOW if is_followed else CloneAction.RESTART
    return CloneAction.ACCEPT if is_known and status.state == COMPLETED else CloneAction.START


def check_replaceable(facts: RecipientFacts, *, replaces_data: bool, is_marked: bool = False) -> None:
    """Raise SeedError if a CLONE in place would destroy data that nobody has given up.

    An attempt that failed has left nothing. So what is here now has come from somebody else, or with a CLONE of this
    seed of which nothing else is known any more: `is_marked`, the data directory has this seed's marker.
    """
    if replaces_data or facts.is_empty or (is_marked and facts.is_copy):
        return
    names = ", ".join(facts.schemas[:SHOWN_SCHEMAS_LIMIT])
    found = f"schemas {names}" if names else f"the transactions {str(facts.history)[:100]}"
    raise SeedError(f"this server is not empty: it has {found}", RESEED_ADVICE)


def check_status(status: CloneStatus | None, destination: str) -> None:
    """Raise SeedError unless the newest CLONE is one to this destination, and complete."""
    if status is None or status.destination != destination:
        raise SeedError(CUT_REASON, is_transient=True)
    if status.state == COMPLETED:
        return
    if status.error is None or status.error.number == ER_QUERY_INTERRUPTED:
        raise SeedError(CUT_REASON, is_transient=True)
    raise build_clone_error(status.error)


def build_clone_error(error: ServerError) -> SeedError:
    """Build the error of an attempt from that of the server."""
    diagnosis = diagnose_clone_error(error)
    number = f"error {error.number}: {error.text}" if diagnosis.meaning else f"error {error.number}"
    reason = f"CLONE failed: {diagnosis.meaning or error.text} ({number})"
    return SeedError(reason, diagnosis.advice, is_transient=diagnosis.kind is not FailureKind.FAIL)
